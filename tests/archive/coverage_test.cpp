#include "archive/coverage.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::archive;

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t size = 16 * mib;

/// Segments by their numbers, all of one content.
HeldSegments held(std::initializer_list<std::pair<std::uint32_t, std::vector<std::uint64_t>>> timelines) {
    HeldSegments segments;
    for (const auto& [timeline, numbers] : timelines) {
        for (const std::uint64_t n : numbers) segments[timeline].push_back({(n / 256) << 32 | n % 256, 7});
    }
    return segments;
}

UsableWal usable(const HeldSegments& segments, const SettledSegments& settled = {}) {
    return usable_wal(segments, settled, size);
}

BackupPoint backup(std::uint32_t timeline, std::uint64_t first, std::uint64_t last) {
    return {timeline, first * size + 40, last * size + 100};
}

TimelineHistory history(std::uint32_t timeline, const std::string& text) {
    return TimelineHistory::parse(timeline, text);
}

}  // namespace

TEST_CASE("a backup reaches as far as its segments follow each other") {
    const auto found = reaches({}, backup(1, 2, 2), usable(held({{1, {2, 3, 4, 5}}})));
    REQUIRE(found.size() == 1);
    CHECK(found[0].consistent);
    CHECK(found[0].end_lsn == 6 * size);
    CHECK(found[0].last->text == "000000010000000000000005");
    CHECK_FALSE(found[0].gap);
    CHECK(found[0].holds(6 * size - 1));
    CHECK_FALSE(found[0].holds(6 * size));
}

TEST_CASE("a gap ends the reach, and names what is missing and what comes after") {
    const auto found = reaches({}, backup(1, 2, 2), usable(held({{1, {2, 3, 5, 6}}})));
    CHECK(found[0].consistent);
    CHECK(found[0].end_lsn == 4 * size);
    CHECK(found[0].gap == WalGap{"000000010000000000000004", "000000010000000000000005"});
}

TEST_CASE("a gap before the backup does not concern it") {
    CHECK_FALSE(reaches({}, backup(1, 5, 5), usable(held({{1, {1, 2, 5, 6}}})))[0].gap);
}

TEST_CASE("a backup whose own WAL is not all there cannot be used") {
    CHECK_FALSE(reaches({}, backup(1, 2, 4), usable(held({{1, {2, 3}}})))[0].consistent);
    CHECK_FALSE(reaches({}, backup(1, 2, 4), usable(held({{1, {3, 4, 5}}})))[0].consistent);
    CHECK_FALSE(reaches({}, backup(1, 2, 2), usable({}))[0].consistent);
    const auto head = reaches({}, backup(1, 2, 4), usable(held({{1, {3, 4, 5}}})));
    CHECK(head[0].gap == WalGap{"000000010000000000000002", "000000010000000000000003"});
    CHECK_FALSE(head[0].last);
}

TEST_CASE("the last segment of a log file is followed by the first of the next one") {
    const auto found = reaches({}, backup(1, 254, 254), usable(held({{1, {254, 255, 256, 257}}})));
    CHECK(found[0].end_lsn == 258 * size);
    CHECK(found[0].last->text == "000000010000000100000001");
}

TEST_CASE("recovery walks across a timeline switch, within the segment that the switch lies in") {
    const auto wal = usable(held({{1, {2, 3, 4}}, {2, {4, 5, 6}}}));
    const auto found =
        reaches({history(2, "1\t0/4800000\tno recovery target specified\n")}, backup(1, 2, 2), wal);
    REQUIRE(found.size() == 2);
    CHECK(found[0].timeline == 1);
    CHECK(found[0].end_lsn == 5 * size);
    CHECK(found[1].timeline == 2);
    CHECK(found[1].end_lsn == 7 * size);
    CHECK(found[1].last->text == "000000020000000000000006");
    CHECK_FALSE(found[1].gap);
}

TEST_CASE("before the new timeline's first segment is archived, its parent's leads up to the switch") {
    const auto wal = usable(held({{1, {2, 3, 4}}}));
    const auto found = reaches({history(2, "1\t0/4800000\tx\n")}, backup(1, 2, 2), wal);
    CHECK(found[1].end_lsn == 0x4800000);
    CHECK(found[1].last->text == "000000010000000000000004");
    CHECK_FALSE(found[1].gap);
}

TEST_CASE("a missing segment where timelines meet is a gap") {
    const auto wal = usable(held({{1, {2, 3}}, {2, {5, 6}}}));
    const auto found = reaches({history(2, "1\t0/4800000\tx\n")}, backup(1, 2, 2), wal);
    CHECK(found[1].end_lsn == 4 * size);
    CHECK(found[1].gap == WalGap{"000000020000000000000004", "000000020000000000000005"});
    CHECK(found[0].gap == WalGap{"000000010000000000000004", "00000002.history"});
}

TEST_CASE("a gap before the switch hides the new timeline") {
    const auto wal = usable(held({{1, {2, 4}}, {2, {4, 5}}}));
    const auto found = reaches({history(2, "1\t0/4800000\tx\n")}, backup(1, 2, 2), wal);
    CHECK(found[1].end_lsn == 3 * size);
    CHECK(found[1].gap == WalGap{"000000010000000000000003", "000000020000000000000004"});
}

TEST_CASE("three timelines, two switches in one segment") {
    const auto wal = usable(held({{1, {2, 3, 4}}, {2, {4}}, {3, {4, 5}}}));
    const auto found =
        reaches({history(2, "1\t0/4800000\tx\n"), history(3, "1\t0/4800000\tx\n2\t0/4900000\ty\n")},
                backup(1, 2, 2), wal);
    REQUIRE(found.size() == 3);
    CHECK(found[2].end_lsn == 6 * size);
    CHECK(found[2].last->text == "000000030000000000000005");
}

TEST_CASE("a timeline that left before the backup was complete cannot be reached from it") {
    const auto wal = usable(held({{1, {2, 3, 4, 5}}, {2, {3, 4}}}));
    CHECK(reaches({history(2, "1\t0/3800000\tx\n")}, backup(1, 2, 4), wal).size() == 1);
    CHECK(reaches({history(2, "1\t0/3800000\tx\n")}, backup(1, 2, 2), wal).size() == 2);
    CHECK(reaches({history(3, "2\t0/3800000\tx\n")}, backup(1, 2, 2), wal).size() == 1);
}

TEST_CASE("a backup of a later timeline does not look back") {
    const auto wal = usable(held({{1, {1, 2, 3, 4}}, {2, {4, 5, 6}}}));
    const auto found = reaches({history(2, "1\t0/4800000\tx\n")}, backup(2, 5, 5), wal);
    REQUIRE(found.size() == 1);
    CHECK(found[0].timeline == 2);
    CHECK(found[0].end_lsn == 7 * size);
}

TEST_CASE("two stores with different holes have no hole together") {
    HeldSegments both = held({{1, {2, 4, 6}}});
    HeldSegments other = held({{1, {3, 4, 5}}});
    both[1].insert(both[1].end(), other[1].begin(), other[1].end());
    const auto found = reaches({}, backup(1, 2, 2), usable(both));
    CHECK(found[0].end_lsn == 7 * size);
    CHECK_FALSE(found[0].gap);
}

TEST_CASE("a segment with two contents is a hole until one is settled") {
    HeldSegments segments = held({{1, {2, 3, 4}}});
    segments[1].push_back({3, 8});
    CHECK(usable(segments).conflicts == std::vector<std::string>{"000000010000000000000003"});
    CHECK(reaches({}, backup(1, 2, 2), usable(segments))[0].end_lsn == 3 * size);
    CHECK(reaches({}, backup(1, 2, 2), usable(segments, {{{1, 3}, {8}}}))[0].end_lsn == 5 * size);
    // Settled for a content that nobody has, or for two.
    CHECK(reaches({}, backup(1, 2, 2), usable(segments, {{{1, 3}, {9}}}))[0].end_lsn == 3 * size);
    CHECK(reaches({}, backup(1, 2, 2), usable(segments, {{{1, 3}, {7, 8}}}))[0].end_lsn == 3 * size);
}

TEST_CASE(
    "behind the fork two contents are no hole on the way to the new timeline, and end the way along the old "
    "one") {
    HeldSegments segments = held({{1, {2, 3, 4, 5}}});
    segments[1].push_back({4, 8});
    const auto histories = std::vector{history(2, "1\t0/4800000\tx\n")};  // within segment 4
    const UsableWal wal = usable_wal(segments, {}, size, {}, {{1, 4}});
    CHECK(wal.conflicts.empty());
    const auto found = reaches(histories, backup(1, 2, 2), wal);
    REQUIRE(found.size() == 2);
    for (const Reach& reach : found) {
        CHECK(reach.end_lsn == 0x4800000);
        CHECK_FALSE(reach.gap);
        CHECK(reach.last->text == "000000010000000000000004");
    }
    HeldSegments with_new = segments;
    with_new[2] = {{4, 7}, {5, 7}};
    const auto on = reaches(histories, backup(1, 2, 2), usable_wal(with_new, {}, size, {}, {{1, 4}}));
    CHECK(on[0].end_lsn == 0x4800000);
    CHECK(on[1].end_lsn == 6 * size);
}

TEST_CASE("segments of another size are no segments") {
    HeldSegments segments;
    segments[1] = {{2, 7}, {300, 7}};  // no segment of 16 MiB has 0x12c as its low part
    CHECK(reaches({}, backup(1, 2, 2), usable(segments))[0].end_lsn == 3 * size);
}

TEST_CASE("a history file is read as PostgreSQL reads it") {
    const auto three =
        TimelineHistory::parse(3, "# comment\n\n1\t0/5000000\tno recovery target\n2 \t 1/0\tbefore 12\n");
    REQUIRE(three.spans.size() == 3);
    CHECK(three.spans[0] == TimelineSpan{1, 0, 0x5000000});
    CHECK(three.spans[1] == TimelineSpan{2, 0x5000000, 0x100000000});
    CHECK(three.spans[2] == TimelineSpan{3, 0x100000000, TimelineSpan::open_end});
    CHECK(TimelineHistory::parse(2, "").spans.size() == 1);
    for (const char* text : {"x\t0/5\n", "1\n", "1\tzero\n", "0\t0/5\n", "2\t0/5\n1\t0/6\n",
                             "1\t0/6\n2\t0/5\n", "3\t0/5\n", "4\t0/5\n", "1x\t0/5\n"}) {
        INFO(text);
        CHECK_THROWS_AS(TimelineHistory::parse(3, text), Error);
    }
}

TEST_CASE("a gap before a switch is a gap also while nothing but the history is there") {
    const auto before = history(2, "1\t0/6800000\tx\n");
    const auto found = reaches({before}, backup(1, 2, 2), usable(held({{1, {2, 3}}})));
    REQUIRE(found.size() == 2);
    for (const Reach& reach : found) {
        CHECK(reach.consistent);
        CHECK(reach.end_lsn == 4 * size);
        CHECK(reach.gap == WalGap{"000000010000000000000004", "00000002.history"});
    }
    // The old primary's missing segments are a gap as long as the new timeline's are there alone.
    const auto led_on = reaches({before}, backup(1, 2, 2), usable(held({{1, {2, 3}}, {2, {6, 7}}})));
    CHECK(led_on[0].gap == WalGap{"000000010000000000000004", "00000002.history"});
    CHECK(led_on[1].gap == WalGap{"000000010000000000000004", "000000020000000000000006"});
}

TEST_CASE("what a timeline's end has as .partial counts up to where the timeline was left") {
    const auto left = history(2, "1\t0/4800000\tx\n");
    const auto wal = usable_wal(held({{1, {2, 3}}}), {}, size, held({{1, {4}}}));
    for (const Reach& reach : reaches({left}, backup(1, 2, 2), wal)) {
        CHECK(reach.end_lsn == 0x4800000);
        CHECK(reach.last->text == "000000010000000000000004.partial");
        CHECK_FALSE(reach.gap);
    }
    const auto goes_on = usable_wal(held({{1, {2, 3}}, {2, {4, 5}}}), {}, size, held({{1, {4}}}));
    const auto both = reaches({left}, backup(1, 2, 2), goes_on);
    CHECK(both[0].end_lsn == 0x4800000);
    CHECK_FALSE(both[0].gap);
    CHECK(both[1].end_lsn == 6 * size);
    CHECK_FALSE(both[1].gap);
    // Left once more further on: then the .partial is not the timeline's end.
    const auto further = reaches({left, history(3, "1\t0/6800000\tx\n")}, backup(1, 2, 2), wal);
    CHECK(further[0].gap == WalGap{"000000010000000000000004", "00000003.history"});
    // Without a history it is not known how much of it counts; with two contents not even which one.
    CHECK(reaches({}, backup(1, 2, 2), wal)[0].gap ==
          WalGap{"000000010000000000000004", "000000010000000000000004.partial"});
    HeldSegments two = held({{1, {4}}});
    two[1].push_back({4, 8});
    CHECK(reaches({left}, backup(1, 2, 2), usable_wal(held({{1, {2, 3}}}), {}, size, two))[0].gap);
    // One that lies behind a hole does not close it.
    CHECK(reaches({history(2, "1\t0/5800000\tx\n")}, backup(1, 2, 2),
                  usable_wal(held({{1, {2, 3}}}), {}, size, held({{1, {5}}})))[1]
              .gap == WalGap{"000000010000000000000004", "00000002.history"});
}

TEST_CASE("a .partial with several contents counts as far as one of them leads") {
    const auto earlier = history(2, "1\t0/4800000\tx\n"), later = history(3, "1\t0/4C00000\tx\n");
    HeldSegments partials = held({{1, {4}}});
    partials[1].push_back({4, 8});
    const auto ends = [&](const PartialReach& reach) {
        const auto wal = usable_wal(held({{1, {2, 3}}}), {}, size, partials, {}, reach);
        std::vector<std::uint64_t> found;
        for (const Reach& each : reaches({earlier, later}, backup(1, 2, 2), wal))
            found.push_back(each.end_lsn);
        return found;
    };
    // Along the timelines 1, 2 and 3.
    CHECK(ends({}) == std::vector<std::uint64_t>{0x4000000, 0x4000000, 0x4000000});
    CHECK(ends({{{1, 4}, 0x4800000}}) == std::vector<std::uint64_t>{0x4000000, 0x4800000, 0x4000000});
    CHECK(ends({{{1, 4}, 0x4C00000}}) == std::vector<std::uint64_t>{0x4C00000, 0x4800000, 0x4C00000});
}

TEST_CASE("a switch at a segment's boundary needs nothing of the next one") {
    for (const Reach& reach :
         reaches({history(2, "1\t0/4000000\tx\n")}, backup(1, 2, 2), usable(held({{1, {2, 3}}})))) {
        CHECK(reach.end_lsn == 4 * size);
        CHECK_FALSE(reach.gap);
    }
}

TEST_CASE("an old primary's segments behind the fork are no gap, and none of the new timeline's") {
    const auto wal = usable(held({{1, {2, 3, 4, 5, 6}}, {2, {4, 5}}}));
    const auto found = reaches({history(2, "1\t0/4800000\tx\n")}, backup(1, 2, 2), wal);
    CHECK(found[0].end_lsn == 7 * size);
    CHECK_FALSE(found[0].gap);
    CHECK(found[1].end_lsn == 6 * size);
    CHECK_FALSE(found[1].gap);
}

TEST_CASE("segments of a timeline whose history is missing are a gap on every way that may lead there") {
    const auto wal = usable(held({{1, {2, 3, 4}}, {2, {4, 5}}}));
    const auto found = reaches({}, backup(1, 2, 2), wal);
    REQUIRE(found.size() == 1);
    CHECK(found[0].end_lsn == 5 * size);
    CHECK(found[0].gap == WalGap{"00000002.history", "000000020000000000000004"});
    // A backup of that timeline itself was made where there was no history to archive.
    CHECK_FALSE(reaches({}, backup(2, 4, 4), wal)[0].gap);
    CHECK_FALSE(reaches({history(2, "1\t0/4800000\tx\n")}, backup(1, 2, 2), wal)[0].gap);
}
