#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace walferry {

/// The system identifier in a control file (bytes 0-7, little-endian). nullopt when there is no such file or
/// it may not be read; throws refused when it is no control file.
std::optional<std::uint64_t> read_system_identifier(const std::string& control_file);

/// The timeline of the last checkpoint (u32 at byte 48 since PostgreSQL 11); nullopt when there is no such
/// file.
std::optional<std::uint32_t> read_checkpoint_timeline(const std::string& control_file);

/// The size of WAL segments; nullopt when there is no such file, or no such number where it has to be.
std::optional<std::uint64_t> read_segment_size(const std::string& control_file);

/// Of the data directory that the working directory is, else of the one that a file in pg_wal belongs to by
/// its path. By its letters only: pg_wal may be a symbolic link to another filesystem.
std::optional<std::uint64_t> find_system_identifier(const std::string& wal_file);

/// Where find_system_identifier looks second: "/data/pg_wal/NAME" gives "/data/global/pg_control".
std::string control_file_beside(const std::string& wal_file);

/// Decimal digits only, not zero.
std::optional<std::uint64_t> parse_system_identifier(const std::string& text) noexcept;

}  // namespace walferry
