#include "console/exit_code.hpp"

#include <array>

namespace walferry::console {

int worse_exit(int a, int b) noexcept {
    static constexpr std::array order{2, 3, 1, 5, 4};
    for (const int code : order) {
        if (a == code || b == code) return code;
    }
    return a != 0 ? a : b;
}

}  // namespace walferry::console
