#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walferry {

/// A position in the WAL as PostgreSQL writes it: "0/2000028", two upper-case hexadecimal halves without
/// leading zeros.
std::string format_lsn(std::uint64_t lsn);

/// Also takes lower-case digits and leading zeros, as PostgreSQL does: people type positions.
std::optional<std::uint64_t> parse_lsn(std::string_view text) noexcept;

}  // namespace walferry
