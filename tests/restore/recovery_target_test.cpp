#include "restore/recovery_target.hpp"

#include <cstdlib>
#include <ctime>

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::restore;

namespace {

std::string shown(const char* text) {
    return format_target_time(parse_target_time(text));
}

std::string refusal(const char* text) {
    try {
        parse_target_time(text);
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
}

std::string value_of(const RecoveryTarget& target, const std::string& name) {
    for (const auto& [key, value] : target_settings(target)) {
        if (key == name) return value;
    }
    return "missing";
}

}  // namespace

TEST_CASE("a target time is understood in the forms people write, and handed on in UTC") {
    CHECK(shown("2026-11-24 12:13:14Z") == "2026-11-24 12:13:14.000000+00");
    CHECK(shown("2026-11-24T12:13:14.5+01:00") == "2026-11-24 11:13:14.500000+00");
    CHECK(shown("2026-11-24 12:13:14.123456 -0530") == "2026-11-24 17:43:14.123456+00");
    CHECK(shown("2026-11-24 00:30+02") == "2026-11-23 22:30:00.000000+00");
    CHECK(shown("2024-02-29 23:59:59z") == "2024-02-29 23:59:59.000000+00");
    CHECK(shown("2026-11-24 12:00:00+16:00") == "2026-11-23 20:00:00.000000+00");
    CHECK(shown("2026-11-24T12:00:00-00:00") == "2026-11-24 12:00:00.000000+00");
    CHECK(shown("2016-12-31T23:59:60Z") == "2017-01-01 00:00:00.000000+00");
}

TEST_CASE("a target time without a time zone is refused, and the message shows both readings") {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
    const std::string summer = refusal("2026-07-01 12:00:00");
    CHECK(summer.find("\"2026-07-01 12:00:00Z\" for UTC") != std::string::npos);
    CHECK(summer.find("\"2026-07-01 12:00:00+02:00\"") != std::string::npos);
    CHECK(refusal("2026-12-01 12:00:00").find("+01:00") != std::string::npos);
    ::unsetenv("TZ");
    ::tzset();
}

TEST_CASE(
    "digits beyond microseconds are left out, so that the target is never later than what was written") {
    CHECK(shown("2026-11-24T12:13:14.123456789Z") == "2026-11-24 12:13:14.123456+00");
    CHECK(shown("2026-11-24 12:13:14.999999999+00:00") == "2026-11-24 12:13:14.999999+00");
    CHECK(shown("2026-11-24T12:13:14.1234567Z") == "2026-11-24 12:13:14.123456+00");
}

TEST_CASE("a time that this host's clock showed twice, or never, is not guessed") {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
    const std::string twice = refusal("2026-10-25 02:30:00");
    CHECK(twice.find("\"2026-10-25 02:30:00+02:00\" for the first time") != std::string::npos);
    CHECK(twice.find("\"2026-10-25 02:30:00+01:00\" for the second") != std::string::npos);
    CHECK(refusal("2026-03-29 02:30:00").find("left that hour out") != std::string::npos);
    CHECK(refusal("2026-10-25 03:30:00").find("twice") == std::string::npos);
    ::setenv("TZ", "Australia/Lord_Howe", 1);
    ::tzset();
    CHECK(refusal("2026-04-05 01:45:00").find("+11:00\" for the first time") != std::string::npos);
    ::unsetenv("TZ");
    ::tzset();
}

TEST_CASE(
    "a timeline is a decimal number, or eight hexadecimal digits as in the names of files; never octal") {
    CHECK(parse_timeline("16") == 16);
    CHECK(parse_timeline("00000010") == 16);
    CHECK(parse_timeline("0000000A") == 10);
    CHECK(parse_timeline("0000000a") == 10);
    for (const char* text :
         {"", "0", "010", "0x10", "00000000", "1x", "-1", "99999999999", "000000010", "A"}) {
        INFO(text);
        CHECK_THROWS_AS(parse_timeline(text), Error);
    }
}

TEST_CASE("what is no time is refused") {
    for (const char* text :
         {"", "yesterday", "2026-11-24", "2026-13-01 00:00:00Z", "2026-02-29 00:00:00Z",
          "2026-11-24 24:00:00Z", "2026-11-24 12:60:00Z", "2026-11-24 12:00:61Z", "2026-11-24 12:00:00.Z",
          "2026-11-24 12:00:00 CET", "2026-11-24 12:00:00+1", "2026-11-24 12:00:00+01:00x",
          "2026-11-24 12:00:00ZZ", "2026-11-24 12:00:00+24:00"}) {
        INFO(text);
        CHECK_FALSE(refusal(text).empty());
    }
}

TEST_CASE("transactions and restore points are checked before anything is done") {
    CHECK(parse_target_xid("4711") == "4711");
    for (const char* text : {"", "0", "-1", "1x", "0x10", "99999999999999999999"})
        CHECK_THROWS_AS(parse_target_xid(text), Error);
    CHECK(parse_target_name("before it's gone") == "before it's gone");
    CHECK_THROWS_AS(parse_target_name(""), Error);
    CHECK_THROWS_AS(parse_target_name("two\nlines"), Error);
    CHECK_THROWS_AS(parse_target_name(std::string(64, 'n')), Error);
}

TEST_CASE("exactly one target is set") {
    RecoveryTarget target;
    target.kind = TargetKind::lsn;
    target.lsn = 0x100000020;
    CHECK(value_of(target, "recovery_target_lsn") == "1/20");
    CHECK(target_settings(target).size() == 3);
    CHECK(value_of(target, "recovery_target_inclusive") == "on");
    CHECK(value_of(target, "recovery_target_action") == "pause");
}

TEST_CASE("to the end of the archive there is no target at all") {
    CHECK(target_settings({}).empty());
}

TEST_CASE("just before a target, and what happens there, are said to the server") {
    RecoveryTarget target;
    target.kind = TargetKind::xid;
    target.text = "815";
    target.exclusive = true;
    target.action = TargetAction::promote;
    CHECK(value_of(target, "recovery_target_inclusive") == "off");
    CHECK(value_of(target, "recovery_target_action") == "promote");
    CHECK(describe(target) == "just before transaction 815");
}
