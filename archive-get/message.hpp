#pragma once
#include <string_view>

#include "common/message.hpp"

namespace walferry::get {

/// One line on stderr in the program's name. Never throws.
inline void say(std::string_view text) noexcept {
    say_line("walferry-archive-get", text);
}

}  // namespace walferry::get
