#include "common/wal/wal_header.hpp"

#include <array>
#include <bit>
#include <cstdio>

namespace walferry {
namespace {

template <typename Number>
Number little_endian(Bytes bytes, std::size_t offset) noexcept {
    Number value = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) {
        value = static_cast<Number>(value << 8 | std::to_integer<Number>(bytes[offset + i]));
    }
    return value;
}

struct Magic {
    std::uint16_t magic;
    int version;
};

constexpr std::array known_magic{
    Magic{0xD093, 9},  Magic{0xD097, 10}, Magic{0xD098, 11}, Magic{0xD101, 12}, Magic{0xD106, 13},
    Magic{0xD10D, 14}, Magic{0xD110, 15}, Magic{0xD113, 16}, Magic{0xD116, 17}, Magic{0xD118, 18},
};

/// As PostgreSQL writes positions in the WAL: "1/6B000000".
std::string lsn(std::uint64_t position) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%X/%X", static_cast<unsigned>(position >> 32),
                  static_cast<unsigned>(position & 0xffffffffU));
    return text.data();
}

std::string differs(const std::string& what, const std::string& expected, const std::string& found) {
    return what + ": expected " + expected + ", found " + found;
}

bool plausible_size(std::uint64_t size, std::uint64_t smallest, std::uint64_t largest) noexcept {
    return std::has_single_bit(size) && size >= smallest && size <= largest;
}

}  // namespace

std::optional<WalHeader> WalHeader::parse(Bytes file_begin) noexcept {
    if (file_begin.size() < bytes) return std::nullopt;
    WalHeader header;
    header.magic = little_endian<std::uint16_t>(file_begin, 0);
    header.info = little_endian<std::uint16_t>(file_begin, 2);
    header.timeline = little_endian<std::uint32_t>(file_begin, 4);
    header.page_address = little_endian<std::uint64_t>(file_begin, 8);
    header.system_identifier = little_endian<std::uint64_t>(file_begin, 24);
    header.segment_size = little_endian<std::uint32_t>(file_begin, 32);
    header.block_size = little_endian<std::uint32_t>(file_begin, 36);
    return header;
}

std::optional<int> pg_version(std::uint16_t magic) noexcept {
    for (const Magic& row : known_magic) {
        if (row.magic == magic) return row.version;
    }
    return std::nullopt;
}

std::optional<std::string> disagreement(const WalHeader& header, const WalName& name, std::uint64_t file_size,
                                        std::uint64_t system_identifier) {
    if ((header.info & WalHeader::long_header_flag) == 0) {
        return "no WAL segment begins with such a page: its header is not marked as a long one";
    }
    if (!plausible_size(header.segment_size, min_segment_size, max_segment_size)) {
        return differs("segment size in the header", "a power of two from 1 MiB to 1 GiB",
                       std::to_string(header.segment_size) + " bytes");
    }
    if (file_size != header.segment_size) {
        return differs("file size", std::to_string(header.segment_size) + " bytes as its header says",
                       std::to_string(file_size) + " bytes");
    }
    if (!plausible_size(header.block_size, 1024, 65536)) {
        return differs("block size in the header", "a power of two from 1 to 64 KiB",
                       std::to_string(header.block_size) + " bytes");
    }
    const auto start = name.start_lsn(file_size);
    if (!start) {
        return "there is no segment of that name among segments of " + std::to_string(file_size) + " bytes";
    }
    if (header.page_address != *start) {
        return differs("WAL position in the header", lsn(*start) + " as the name says",
                       lsn(header.page_address));
    }
    // The first segment after a promotion still carries the parent's timeline.
    if (header.timeline > name.timeline) {
        return differs("timeline in the header",
                       "at most " + std::to_string(name.timeline) + " as the name says",
                       std::to_string(header.timeline));
    }
    if (header.system_identifier != system_identifier) {
        return differs("system identifier in the header",
                       std::to_string(system_identifier) + " as this cluster has",
                       std::to_string(header.system_identifier) + ", another cluster's");
    }
    return std::nullopt;
}

}  // namespace walferry
