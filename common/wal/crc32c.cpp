#include "common/wal/crc32c.hpp"

#include <array>
#include <cstring>

namespace walferry {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

/// For eight bytes at a time: entry [k][b] is what byte b does to the sum when k more bytes follow.
constexpr Tables make_tables() {
    constexpr std::uint32_t polynomial = 0x82f63b78;
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t sum = byte;
        for (int bit = 0; bit < 8; ++bit) sum = (sum & 1U) != 0 ? sum >> 1 ^ polynomial : sum >> 1;
        tables[0][byte] = sum;
    }
    for (std::size_t k = 1; k < tables.size(); ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][before & 0xff];
        }
    }
    return tables;
}

constexpr Tables tables = make_tables();

std::uint32_t in_software(std::uint32_t sum, Bytes bytes) noexcept {
    while (bytes.size() >= 8) {
        std::array<std::uint8_t, 8> eight{};
        std::memcpy(eight.data(), bytes.data(), eight.size());
        for (std::size_t i = 0; i < 4; ++i) eight[i] = static_cast<std::uint8_t>(eight[i] ^ sum >> (8 * i));
        sum = 0;
        for (std::size_t i = 0; i < 8; ++i) sum ^= tables[7 - i][eight[i]];
        bytes = bytes.subspan(8);
    }
    for (const std::byte byte : bytes)
        sum = sum >> 8 ^ tables[0][(sum ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
    return sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t in_hardware(std::uint32_t sum, Bytes bytes) noexcept {
    std::uint64_t wide = sum;
    while (bytes.size() >= 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, bytes.data(), sizeof eight);
        wide = __builtin_ia32_crc32di(wide, eight);
        bytes = bytes.subspan(8);
    }
    auto narrow = static_cast<std::uint32_t>(wide);
    for (const std::byte byte : bytes)
        narrow = __builtin_ia32_crc32qi(narrow, std::to_integer<std::uint8_t>(byte));
    return narrow;
}

const bool has_hardware = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

void Crc32c::update(Bytes bytes) noexcept {
#if defined(__x86_64__)
    if (has_hardware) {
        state_ = in_hardware(state_, bytes);
        return;
    }
#endif
    state_ = in_software(state_, bytes);
}

}  // namespace walferry
