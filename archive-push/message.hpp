#pragma once
#include <string_view>

#include "common/message.hpp"

namespace walferry::push {

/// One line on stderr in the program's name. Never throws.
inline void say(std::string_view text) noexcept {
    say_line("walferry-archive-push", text);
}

}  // namespace walferry::push
