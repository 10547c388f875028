#pragma once
#include <string_view>

namespace walferry::push {

inline constexpr std::string_view program = "walferry-archive-push";

/// One line on stderr in a single write, so that it stays one in the server's log. Never throws.
void say(std::string_view text) noexcept;

/// As it is, to stdout. False when that failed.
bool print(std::string_view text) noexcept;

}  // namespace walferry::push
