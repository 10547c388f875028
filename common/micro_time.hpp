#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walferry {

/// "2026-01-31T09:05:07.123456Z": ISO 8601 in UTC. Microseconds since 1970, as PostgreSQL's clock counts
/// them.
std::string format_micro_time(std::int64_t microseconds);

/// The inverse; nullopt for anything else.
std::optional<std::int64_t> parse_micro_time(std::string_view text) noexcept;

}  // namespace walferry
