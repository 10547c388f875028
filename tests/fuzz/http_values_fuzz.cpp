#include <algorithm>
#include <array>
#include <ctime>

#include "common/store/http.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

using std::chrono::sys_seconds;

std::string http_date(sys_seconds time) {
    const std::time_t seconds = time.time_since_epoch().count();
    std::tm parts{};
    std::array<char, 64> text{};
    must(::gmtime_r(&seconds, &parts) != nullptr, "a date is one of the calendar");
    must(std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0,
         "a date can be printed");
    return text.data();
}

}  // namespace

/// Four bytes of what the clock says, then the header's value.
void check(Bytes input) {
    Choices choices(input);
    const sys_seconds now{std::chrono::seconds(choices.number(4))};
    const std::string_view value = choices.text();
    if (const auto date = parse_http_date(value);
        date && date->time_since_epoch() < std::chrono::hours(24 * 365 * 5000L)) {
        must(parse_http_date(http_date(*date)) == date,
             "a date that is understood can be written as HTTP writes it");
    }
    const auto wait = parse_retry_after(value, now);
    if (!wait) return;
    must(wait->count() >= 0 && *wait <= std::chrono::hours(24),
         "no server makes us wait for more than a day");
    const bool number = !value.empty() && value.size() < 5 &&
                        std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number) must(*wait == std::chrono::seconds(std::stoi(std::string(value))), "a number is seconds");
}

std::vector<std::string> seeds() {
    std::vector<std::string> all;
    for (const char* value :
         {"120", "-1", "0", "99999999999999999999", "Tue, 31 Dec 2030 23:59:59 GMT", "soon",
          "Tuesday, 31-Dec-30 23:59:59 GMT", "Tue Dec 31 23:59:59 2030", "1.5", "2030-12-31"}) {
        all.push_back("i000" + std::string(value));
    }
    return all;
}

}  // namespace walferry::fuzz
