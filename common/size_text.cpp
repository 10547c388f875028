#include "common/size_text.hpp"

#include <charconv>
#include <limits>

namespace walferry {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc()) return std::nullopt;
    std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    if (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    if (unit.empty()) return stop == end ? std::optional(number) : std::nullopt;

    constexpr std::string_view letters = "bkmgtp";
    const std::size_t power = letters.find(lower(unit.front()));
    if (power == std::string_view::npos) return std::nullopt;
    unit.remove_prefix(1);
    if (power > 0 && !unit.empty() && lower(unit.front()) == 'i') {
        unit.remove_prefix(1);
        if (unit.empty()) return std::nullopt;
    }
    if (power > 0 && !unit.empty() && lower(unit.front()) == 'b') unit.remove_prefix(1);
    if (!unit.empty()) return std::nullopt;
    const std::size_t shift = power * 10;
    if (number > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
    return number << shift;
}

}  // namespace walferry
