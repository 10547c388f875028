#include "console/exit_code.hpp"

#include <array>

namespace walferry::console {

int worse_exit(int a, int b) noexcept {
    static constexpr std::array order{exit_code::usage, exit_code::integrity, exit_code::failed,
                                      exit_code::locked, exit_code::incomplete};
    for (const int code : order) {
        if (a == code || b == code) return code;
    }
    return a != 0 ? a : b;
}

}  // namespace walferry::console
