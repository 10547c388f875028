#include "common/wal/lsn.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace walferry {
namespace {

std::optional<std::uint64_t> half(std::string_view text) noexcept {
    std::uint32_t value = 0;
    if (text.empty() || text.size() > 8) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string format_lsn(std::uint64_t lsn) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%X/%X", static_cast<unsigned>(lsn >> 32),
                  static_cast<unsigned>(lsn & 0xffffffff));
    return text.data();
}

std::optional<std::uint64_t> parse_lsn(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto high = half(text.substr(0, slash));
    const auto low = half(text.substr(slash + 1));
    if (!high || !low) return std::nullopt;
    return *high << 32 | *low;
}

}  // namespace walferry
