#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walferry {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

WallTime wall_now() noexcept;

/// ISO-8601 in UTC with milliseconds, "2026-01-31T09:05:07.123Z": what the ledger, logs and JSON hold.
std::string format_time(WallTime time);

/// The inverse of format_time; nullopt for anything else.
std::optional<WallTime> parse_time(std::string_view text) noexcept;

/// "4 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": for people.
std::string format_duration(std::chrono::seconds duration);

/// "1 segment", "2 segments": for people.
std::string counted(std::uint64_t number, std::string_view one, std::string_view many);

/// "16.0 MiB", "512 B": for people.
std::string format_bytes(std::uint64_t bytes);

}  // namespace walferry
