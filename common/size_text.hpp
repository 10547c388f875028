#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace walferry {

/// "10G", "512MiB", "64 kB", "4096": a number and an optional unit. As in postgresql.conf every unit is a
/// power of 1024, with or without "B" or "iB", in either case. nullopt for anything else, or more than 64
/// bits hold.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

}  // namespace walferry
