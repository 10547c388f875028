#include <algorithm>

#include "common/clock.hpp"
#include "common/settings/settings_values.hpp"
#include "common/size_text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

bool starts_as_number(std::string_view text) {
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

void check_size(std::string_view text) {
    const auto size = parse_size(text);
    if (!size) return;
    must(starts_as_number(text), "a size begins with a number");
    must(parse_size(std::to_string(*size)) == size && parse_size(std::to_string(*size) + " B") == size,
         "a size can be written in bytes");
    must(!format_bytes(*size).empty(), "a size can be shown");
}

void check_duration(std::string_view text) {
    const auto time = parse_duration(text);
    if (!time) return;
    must(starts_as_number(text) && time->count() >= 0, "a time begins with a number");
    must(parse_duration(std::to_string(time->count()) + "ms") == time,
         "a time can be written in milliseconds");
}

}  // namespace

/// Sizes, durations and times of day: whatever is short, and typed by people or read out of a ledger.
void check(Bytes input) {
    const std::string_view text = as_text(input);
    check_size(text);
    check_duration(text);
    if (const auto time = parse_time(text))
        must(format_time(*time) == text, "a time that is understood prints back");
    const std::string line = one_line(text);
    must(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
         "a line of a log has no control characters");
}

std::vector<std::string> seeds() {
    return {"10G",
            "512MiB",
            "64 kB",
            "4096",
            "1ib",
            "16777216T",
            "18446744073709551615",
            "500ms",
            "1 h",
            "5",
            "2026-01-31T09:05:07.123Z",
            "2024-02-29T23:59:59.999Z",
            "2023-02-29T00:00:00.000Z",
            "0000-01-01T00:00:00.000Z",
            "\x1b[31m\xff\xc3\xa9\n"};
}

}  // namespace walferry::fuzz
