#pragma once
#include <optional>
#include <string>

#include "common/clock.hpp"

namespace walferry::drain {

/// When an upload that has failed `attempts` times may be tried again by a run that goes on: full jitter, at
/// most longest_backoff ahead.
inline constexpr std::chrono::milliseconds longest_backoff = std::chrono::minutes(10);
std::chrono::milliseconds backoff(int attempts, double random) noexcept;  // random: [0, 1)
WallTime next_attempt(int attempts, WallTime now);

/// How long a store is left alone that was given up on so many times in a row: a second to a minute, so that
/// one that is back is soon noticed.
std::chrono::milliseconds store_backoff(int given_up);

/// Whether the ledger's next_attempt_at has come; also when it lies further ahead than any backoff could have
/// put it (the clock has jumped), or cannot be read.
bool attempt_due(const std::optional<std::string>& next_attempt_at, WallTime now) noexcept;

}  // namespace walferry::drain
