#pragma once
#include <string_view>

namespace walferry {

/// "PROGRAM: TEXT" as one line on stderr, in a single write, so that it stays one in the server's log. Never
/// throws.
void say_line(std::string_view program, std::string_view text) noexcept;

/// As it is, to stdout. False when that failed.
bool print_text(std::string_view text) noexcept;

}  // namespace walferry
