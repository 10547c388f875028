#include "uploader/command.hpp"

namespace walferry {

std::span<const Command> commands() {
    static constexpr std::span<const Command> table{};
    return table;
}

}  // namespace walferry
