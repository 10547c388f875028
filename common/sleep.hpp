#pragma once
#include <chrono>
#include <stop_token>

namespace walferry {

/// Waits that long, or until a stop is asked for. False when it was. By the monotonic clock.
bool sleep_unless_stopped(const std::stop_token& stop, std::chrono::milliseconds time);

}  // namespace walferry
