#pragma once
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/wal/wal_name.hpp"

namespace walferry::test {

inline constexpr std::uint64_t sysid = 7301234567890123456;

/// A WAL segment that agrees with its name; a test changes what it wants to be wrong.
struct WalFile {
    std::string name = "000000010000000000000001";
    std::uint64_t system_identifier = sysid;
    std::uint32_t segment_size = 1 << 20;
    std::uint64_t seed = 1;  // other contents for another seed
    double zero_tail = 0;    // the share of zeros at the end, as after a switch
    std::uint16_t magic = 0xD110;
    std::uint16_t info = 0x0002;
    std::uint32_t block_size = 8192;
    std::int64_t address_shift = 0;     // added to the address that the name means
    std::uint32_t header_timeline = 0;  // 0: the name's

    std::string bytes() const {
        const auto parsed = WalName::parse(name);
        if (!parsed) throw std::logic_error("not a WAL name: " + name);
        std::string text(segment_size, '\0');
        // Looks like noise to a compressor, which is the worst case.
        std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
        const auto filled = static_cast<std::size_t>(segment_size * (1 - zero_tail));
        for (std::size_t i = 40; i < filled; ++i) {
            if (i % 8 == 0) state = (state ^ state >> 29) * 0xbf58476d1ce4e5b9U + seed;
            text[i] = static_cast<char>(state >> (i % 8 * 8));
        }
        put(text, 0, magic, 2);
        put(text, 2, info, 2);
        put(text, 4, header_timeline != 0 ? header_timeline : parsed->timeline, 4);
        put(text, 8, parsed->start_lsn(segment_size).value_or(0) + static_cast<std::uint64_t>(address_shift),
            8);
        put(text, 24, system_identifier, 8);
        put(text, 32, segment_size, 4);
        put(text, 36, block_size, 4);
        return text;
    }

    /// Writes it to DIRECTORY/NAME; returns that path.
    std::string write(const std::string& directory) const {
        const std::string path = directory + "/" + name;
        std::ofstream file(path, std::ios::binary | std::ios::trunc);
        file << bytes();
        if (!file.flush()) throw std::runtime_error("cannot write " + path);
        return path;
    }

  private:
    static void put(std::string& text, std::size_t at, std::uint64_t value, int width) {
        for (int i = 0; i < width; ++i) {
            text[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i));
        }
    }
};

/// The beginning of a control file: DATA_DIRECTORY/global/pg_control, as far as anything here reads it.
inline std::string pg_control_bytes(std::uint64_t system_identifier) {
    std::string text(8192, '\0');
    for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(system_identifier >> (8 * i));
    return text;
}

}  // namespace walferry::test
