#pragma once

namespace walferry::console {

/// Exit codes of walferry that belong to no error kind, and the rule for several at once.
namespace exit_code {
inline constexpr int done = 0;
inline constexpr int failed = 1;
inline constexpr int usage = 2;
inline constexpr int integrity = 3;
inline constexpr int incomplete = 4;
inline constexpr int locked = 5;
}  // namespace exit_code

/// The one that a caller must hear of first: 2, then 3, 1, 5, 4, 0.
int worse_exit(int a, int b) noexcept;

}  // namespace walferry::console
