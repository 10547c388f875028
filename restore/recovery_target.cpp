#include "restore/recovery_target.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <set>

#include "common/error.hpp"
#include "common/wal/lsn.hpp"

namespace walferry::restore {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

constexpr std::size_t longest_name = 63;

/// Takes `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
    int value = 0;
    if (text.size() < digits) return std::nullopt;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<microseconds> take_fraction(std::string_view& text) {
    if (!take(text, '.')) return microseconds(0);
    // What PostgreSQL's clock cannot tell apart is left out: the target is no later than what was written.
    int value = 0;
    int digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits) {
        const int digit = *take_number(text, 1);
        if (digits < 6) value = value * 10 + digit;
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 6; ++digits) value *= 10;
    return microseconds(value);
}

/// The day and the time of day as they are written, without a time zone; a leap second is the next minute's
/// first.
std::optional<MicroTime> take_clock(std::string_view& text) {
    const auto year = take_number(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_number(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_number(text, 2);
    if (!day || !(take(text, ' ') || take(text, 'T') || take(text, 't'))) return std::nullopt;
    const auto hour = take_number(text, 2);
    if (!hour || !take(text, ':')) return std::nullopt;
    const auto minute = take_number(text, 2);
    if (!minute) return std::nullopt;
    const auto second = take(text, ':') ? take_number(text, 2) : std::optional(0);
    const auto fraction = take_fraction(text);
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!second || !fraction || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return MicroTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + minutes(*minute) +
           std::chrono::seconds(*second) + *fraction;
}

/// Z, +HH, +HH:MM or +HHMM, as RFC 3339 and PostgreSQL have them, and nothing behind it.
std::optional<minutes> take_zone(std::string_view& text) {
    if (take(text, 'Z') || take(text, 'z')) return text.empty() ? std::optional(minutes(0)) : std::nullopt;
    const bool west = text.starts_with('-');
    if (!take(text, '+') && !take(text, '-')) return std::nullopt;
    const auto hours = take_number(text, 2);
    take(text, ':');
    const auto rest = text.empty() ? std::optional(0) : take_number(text, 2);
    if (!hours || !rest || *hours > 23 || *rest > 59 || !text.empty()) return std::nullopt;
    const minutes distance = std::chrono::hours(*hours) + minutes(*rest);
    return west ? -distance : distance;
}

std::string zone_text(minutes distance) {
    const auto count = std::abs(distance.count());
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%c%02d:%02d", distance < minutes(0) ? '-' : '+',
                  static_cast<int>(count / 60), static_cast<int>(count % 60));
    return text.data();
}

/// This host's distance from UTC at a moment.
minutes local_distance(MicroTime moment) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(moment));
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return minutes(local.tm_gmtoff / 60);
}

/// The distances from UTC with which this host's clock shows `clock`: two in the hour that comes twice, none
/// in the one that is left out.
std::set<minutes> local_readings(MicroTime clock) {
    std::set<minutes> readings;
    for (const int hours : {-26, 26}) {
        const minutes distance = local_distance(clock + std::chrono::hours(hours));
        if (local_distance(clock - distance) == distance) readings.insert(distance);
    }
    return readings;
}

std::string advice_on_zone(const std::string& text, MicroTime clock) {
    const std::set<minutes> readings = local_readings(clock);
    const std::string advice = "write \"" + text + "Z\" for UTC";
    const auto with = [&](minutes distance) { return "\"" + text + zone_text(distance) + "\""; };
    if (readings.empty()) return advice + "; this host's clock left that hour out";
    if (readings.size() == 1)
        return advice + ", or " + with(*readings.begin()) + " for what this host's clock shows";
    // The greater distance from UTC is the earlier moment.
    return advice + ". This host's clock showed it twice: " + with(*readings.rbegin()) +
           " for the first time, " + with(*readings.begin()) + " for the second";
}

std::string_view action_name(TargetAction action) {
    static constexpr std::array<std::string_view, 3> names{"pause", "promote", "shutdown"};
    return names[static_cast<std::size_t>(action)];
}

}  // namespace

MicroTime parse_target_time(std::string_view text) {
    std::string_view rest = text;
    const auto clock = take_clock(rest);
    if (!clock) {
        throw Error(ErrorKind::usage, "--target-time " + std::string(text) + " is no time",
                    "write it as 2026-01-31 09:05:07Z for UTC, or 2026-01-31 10:05:07+01:00");
    }
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    if (rest.empty()) {
        throw Error(ErrorKind::usage,
                    "--target-time " + std::string(text) + " does not say in which time zone",
                    advice_on_zone(std::string(text), *clock));
    }
    const auto zone = take_zone(rest);
    if (!zone) {
        throw Error(ErrorKind::usage,
                    "--target-time " + std::string(text) + " has no time zone that is known here",
                    "write Z for UTC, or a distance such as +01:00");
    }
    return *clock - *zone;
}

std::string format_target_time(MicroTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d.%06d+00",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                  static_cast<int>(clock.subseconds().count()));
    return text.data();
}

std::string parse_target_xid(const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value == 0)
        throw Error(ErrorKind::usage, "--target-xid " + text + " is no transaction's number");
    return text;
}

std::string parse_target_name(const std::string& text) {
    if (text.empty() || text.size() > longest_name || one_line(text) != text) {
        throw Error(ErrorKind::usage, "--target-name " + one_line(text) + " cannot be a restore point's name",
                    "it has 1 to 63 bytes, as pg_create_restore_point() was given it");
    }
    return text;
}

std::uint32_t parse_timeline(const std::string& text) {
    const bool as_in_names = text.size() == 8;
    std::uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, as_in_names ? 16 : 10);
    const bool leading_zero = !as_in_names && text.starts_with('0');
    if (error != std::errc() || end != text.data() + text.size() || value == 0 || leading_zero) {
        throw Error(
            ErrorKind::usage, "--timeline " + one_line(text) + " is no timeline",
            "write its number, 16, or the eight hexadecimal digits that file names begin with, 00000010");
    }
    return value;
}

std::string describe(const RecoveryTarget& target) {
    const std::string before = target.exclusive ? "just before " : "";
    switch (target.kind) {
        case TargetKind::latest:
            return "the end of the archive";
        case TargetKind::immediate:
            return "the end of the backup";
        case TargetKind::time:
            return before + format_target_time(target.time);
        case TargetKind::lsn:
            return before + "LSN " + format_lsn(target.lsn);
        case TargetKind::xid:
            return before + "transaction " + target.text;
        case TargetKind::name:
            return before + "the restore point \"" + target.text + "\"";
    }
    return "";
}

std::vector<std::pair<std::string, std::string>> target_settings(const RecoveryTarget& target) {
    std::vector<std::pair<std::string, std::string>> settings;
    switch (target.kind) {
        case TargetKind::latest:
            return settings;
        case TargetKind::immediate:
            settings.emplace_back("recovery_target", "immediate");
            break;
        case TargetKind::time:
            settings.emplace_back("recovery_target_time", format_target_time(target.time));
            break;
        case TargetKind::lsn:
            settings.emplace_back("recovery_target_lsn", format_lsn(target.lsn));
            break;
        case TargetKind::xid:
            settings.emplace_back("recovery_target_xid", target.text);
            break;
        case TargetKind::name:
            settings.emplace_back("recovery_target_name", target.text);
            break;
    }
    settings.emplace_back("recovery_target_inclusive", target.exclusive ? "off" : "on");
    settings.emplace_back("recovery_target_action", action_name(target.action));
    return settings;
}

}  // namespace walferry::restore
