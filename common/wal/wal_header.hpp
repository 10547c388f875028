#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "common/bytes.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {

/// The long header on the first page of a WAL segment (PostgreSQL: access/xlog_internal.h,
/// XLogLongPageHeaderData; little-endian):
///   magic u16@0, info u16@2, timeline u32@4, page address u64@8, (u32@16, padding),
///   system identifier u64@24, segment size u32@32, block size u32@36
struct WalHeader {
    static constexpr std::size_t bytes = 40;
    static constexpr std::uint16_t long_header_flag = 0x0002;

    std::uint16_t magic = 0;
    std::uint16_t info = 0;
    std::uint32_t timeline = 0;
    std::uint64_t page_address = 0;
    std::uint64_t system_identifier = 0;
    std::uint32_t segment_size = 0;
    std::uint32_t block_size = 0;

    /// nullopt when there are fewer than `bytes` bytes; checks nothing else.
    static std::optional<WalHeader> parse(Bytes file_begin) noexcept;
};

inline constexpr std::uint64_t min_segment_size = std::uint64_t{1} << 20;
inline constexpr std::uint64_t max_segment_size = std::uint64_t{1} << 30;

/// Files without a header (.history, .backup) are a few hundred bytes; nobody reads a planted one of
/// terabytes.
inline constexpr std::uint64_t max_headerless_size = std::uint64_t{16} << 20;

/// PostgreSQL's major version (9 for 9.6, the only 9 that is known), nullopt for an unknown magic.
std::optional<int> pg_version(std::uint16_t magic) noexcept;

/// What in the header contradicts the file's name, its size or its cluster: "expected …, found …" for a
/// message; nullopt when all agrees. The magic is not looked at: a new PostgreSQL must not stop archiving.
std::optional<std::string> disagreement(const WalHeader& header, const WalName& name, std::uint64_t file_size,
                                        std::uint64_t system_identifier);

}  // namespace walferry
