#include "common/micro_time.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "common/clock.hpp"

namespace walferry {
namespace {

constexpr std::size_t to_milliseconds = 23, whole = 27;  // characters

}  // namespace

std::string format_micro_time(std::int64_t microseconds) {
    const std::int64_t below = (microseconds % 1000 + 1000) % 1000;
    const WallTime time{std::chrono::milliseconds((microseconds - below) / 1000)};
    std::array<char, 8> digits{};
    std::snprintf(digits.data(), digits.size(), "%03dZ", static_cast<int>(below));
    return format_time(time).substr(0, to_milliseconds) + digits.data();
}

std::optional<std::int64_t> parse_micro_time(std::string_view text) noexcept {
    if (text.size() != whole || text.back() != 'Z') return std::nullopt;
    std::array<char, to_milliseconds + 1> start{};
    text.copy(start.data(), to_milliseconds);
    start.back() = 'Z';
    const auto time = parse_time({start.data(), start.size()});
    int below = 0;
    const auto read = std::from_chars(text.data() + to_milliseconds, text.data() + whole - 1, below);
    if (!time || below < 0 || read.ec != std::errc() || read.ptr != text.data() + whole - 1)
        return std::nullopt;
    return time->time_since_epoch().count() * 1000 + below;
}

}  // namespace walferry
