#pragma once

/// The exit codes of walferry; docs/architecture.md and the manual pages say when each is used.
/// walferry-archive-push and walferry-archive-get have tables of their own, because PostgreSQL reads those.
namespace walferry::exit_code {
inline constexpr int done = 0;
inline constexpr int failed = 1;
inline constexpr int usage = 2;
inline constexpr int integrity = 3;
inline constexpr int incomplete = 4;
inline constexpr int locked = 5;
}  // namespace walferry::exit_code
