#pragma once
#include "common/error.hpp"

namespace walferry::push {

inline constexpr int archived = 0;
inline constexpr int retry = 1;
inline constexpr int wrong_usage = 2;
inline constexpr int refused = 3;

/// Push's own exit codes, the one place that gives them: PostgreSQL retries after each of them, but an
/// administrator reads them. Never above 125, which would end the archiver.
int exit_code(ErrorKind kind) noexcept;

}  // namespace walferry::push
