#include "restore/fetch/later_wal.hpp"

#include "restore/fetch/recovery_way.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::fetch;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint64_t size = 16 << 20;
const char* const segment_5 = "000000010000000000000005";

Missing missing(const char* name, std::uint64_t segment_size = size, std::uint32_t own = 1) {
    return {*WalName::parse(name), segment_size, own};
}

TimelineSight sight(std::uint32_t timeline, const std::string& first,
                    const std::vector<std::string>& histories = {}) {
    TimelineSight seen;
    seen.first = first;
    for (const std::string& text : histories)
        seen.histories.push_back(TimelineHistory::parse(timeline, text));
    return seen;
}

}  // namespace

TEST_CASE("A segment is not absent where a timeline that leads on from behind it is there", "[fetch]") {
    const std::string behind = "1\t0/7000028\tx\n";
    const std::string within = "1\t0/5800000\tx\n";
    const std::string at_start = "1\t0/5000000\tx\n";
    TimelineSight damaged;
    damaged.history_unusable = true;
    struct Row {
        const char* what;
        TimelineSights seen;
        std::string later;
    };
    const Row rows[] = {
        {"nothing else is there", {}, ""},
        {"only its history is there", {{2, sight(2, "", {behind})}}, "00000002.history"},
        {"the switch lies within it", {{2, sight(2, "", {within})}}, "00000002.history"},
        {"the switch lies before it: the old primary went on", {{2, sight(2, "", {at_start})}}, ""},
        {"two timelines further",
         {{3, sight(3, "", {"1\t0/7000028\tx\n2\t0/8000000\ty\n"})}},
         "00000003.history"},
        {"one left before it, another one behind",
         {{2, sight(2, "", {at_start})}, {3, sight(3, "", {behind})}},
         "00000003.history"},
        {"two contents, one of which leads on", {{2, sight(2, "", {at_start, behind})}}, "00000002.history"},
        {"the other one led past its own timeline", {{3, sight(3, "", {"2\t0/7000028\tx\n"})}}, ""},
        {"segments without a history",
         {{2, sight(2, "000000020000000000000007")}},
         "000000020000000000000007"},
        {"a history that cannot be read", {{2, damaged}}, "00000002.history"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const auto later = later_elsewhere(missing(segment_5), row.seen);
        CHECK(later.has_value() == !row.later.empty());
        if (later) CHECK_THAT(*later, ContainsSubstring(row.later));
    }
    // Where the size is not known, more counts as later.
    CHECK(later_elsewhere(missing(segment_5, 0), {{2, sight(2, "", {at_start})}}));
    // Up to where a .partial leads.
    CHECK_FALSE(later_elsewhere(missing(segment_5), {{2, sight(2, "", {within})}}, 0x5800000));
    CHECK(later_elsewhere(missing(segment_5), {{2, sight(2, "", {behind})}}, 0x5800000));
    // A cluster that was at timeline 2 when archiving began never had its history.
    CHECK_FALSE(later_elsewhere(missing(segment_5, size, 2), {{2, sight(2, "000000020000000000000007")}}));
}

TEST_CASE("A history is not absent where a timeline that came by way of it is there", "[fetch]") {
    const auto asked = missing("00000002.history");
    CHECK_FALSE(later_elsewhere(asked, {}));
    CHECK(later_elsewhere(asked, {{3, sight(3, "", {"1\t0/5000000\tx\n2\t0/6000000\ty\n"})}}));
    CHECK_FALSE(later_elsewhere(asked, {{3, sight(3, "", {"1\t0/5000000\tx\n"})}}));
    CHECK(later_elsewhere(asked, {{3, sight(3, "000000030000000000000007")}}));
    CHECK_FALSE(
        later_elsewhere(missing("00000002.history", size, 2), {{3, sight(3, "000000030000000000000007")}}));
}

TEST_CASE("Where a timeline was left within a segment is told by the histories", "[fetch]") {
    const auto asked = missing(segment_5);
    CHECK(fork_within(asked, {{2, sight(2, "", {"1\t0/5800000\tx\n"})}}) == 0x5800000U);
    CHECK(fork_within(asked, {{2, sight(2, "", {"1\t0/5800000\tx\n", "1\t0/5900000\tx\n"})}}) == 0x5900000U);
    CHECK_FALSE(fork_within(asked, {{2, sight(2, "", {"1\t0/5000000\tx\n"})}}));
    CHECK_FALSE(fork_within(asked, {{2, sight(2, "", {"1\t0/6000000\tx\n"})}}));
    CHECK_FALSE(fork_within(
        asked, {{2, sight(2, "", {"1\t0/5800000\tx\n"})}, {3, sight(3, "", {"1\t0/7000000\tx\n"})}}));
    CHECK_FALSE(fork_within(missing(segment_5, 0), {{2, sight(2, "", {"1\t0/5800000\tx\n"})}}));
}

TEST_CASE("The server's command is read from postmaster.opts", "[fetch]") {
    using Words = std::vector<std::string>;
    CHECK(server_command("/usr/bin/postgres \"-D\" \"/data dir\" \"-c\" \"port=5\"\n") ==
          Words{"/usr/bin/postgres", "-D", "/data dir", "-c", "port=5"});
    CHECK(server_command("/usr/bin/postgres\n") == Words{"/usr/bin/postgres"});
    CHECK(server_command("/usr/bin/postgres \"\"\n") == Words{"/usr/bin/postgres", ""});
}
