#include "archive/forks.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::archive;

namespace {

constexpr std::uint64_t size = std::uint64_t{1} << 20;

Departure departure(const Forks& forks, std::uint64_t number, const char* suffix = "") {
    const std::string name = WalName::segment_at(1, number * size, size).text + suffix;
    return forks.departure(*WalName::parse(name), size);
}

}  // namespace

TEST_CASE(
    "What lies before the fork may not differ, the fork's segment up to it, and what lies behind it may") {
    Forks forks;
    forks.add(TimelineHistory::parse(2, "1\t0/480000\treason\n"));
    CHECK(departure(forks, 3).kind == Departure::Kind::none);
    CHECK(departure(forks, 4).kind == Departure::Kind::within);
    CHECK(departure(forks, 4).at == 0x480000);
    CHECK(departure(forks, 4).by == 2);
    CHECK(departure(forks, 4, ".partial").kind == Departure::Kind::within);
    CHECK(departure(forks, 5).kind == Departure::Kind::before);
    CHECK(describe(departure(forks, 5)) == "0/480000, where timeline 2 began");
    // Neither a timeline that was never left nor a file without a position is behind a fork.
    CHECK(forks.departure(*WalName::parse("000000020000000000000005"), size).kind == Departure::Kind::none);
    CHECK(forks.departure(*WalName::parse("00000001.history"), size).kind == Departure::Kind::none);
    CHECK(forks.departure(*WalName::parse("000000010000000000000005"), 0).kind == Departure::Kind::none);
}

TEST_CASE("At the border of two segments nothing of the earlier one may differ, and all of the later one") {
    Forks forks;
    forks.add(TimelineHistory::parse(2, "1\t0/400000\treason\n"));
    CHECK(departure(forks, 3).kind == Departure::Kind::none);
    CHECK(departure(forks, 4).kind == Departure::Kind::before);
}

TEST_CASE(
    "A timeline that was left twice counts as left at the later place: the way to the later timeline needs "
    "it") {
    Forks forks;
    forks.add(TimelineHistory::parse(3, "1\t0/780000\treason\n"));
    forks.add(TimelineHistory::parse(2, "1\t0/480000\treason\n"));
    CHECK(departure(forks, 5).kind == Departure::Kind::none);
    CHECK(departure(forks, 7).at == 0x780000);
    CHECK(departure(forks, 8).by == 3);
}

TEST_CASE("A .partial counts up to the first place in it at which its timeline was left") {
    Forks forks;
    forks.add(TimelineHistory::parse(3, "1\t0/4C0000\treason\n"));
    forks.add(TimelineHistory::parse(2, "1\t0/480000\treason\n"));
    CHECK(departure(forks, 4).at == 0x4C0000);
    CHECK(departure(forks, 4, ".partial").at == 0x480000);
    CHECK(departure(forks, 4, ".partial").by == 2);
    CHECK(forks.places_within(1, 4 * size, 5 * size) == std::vector<std::uint64_t>{0x480000, 0x4C0000});
    CHECK(forks.places_within(2, 4 * size, 5 * size).empty());
    // Copies were promoted, and the timeline goes on.
    forks.add_in_use(1, in_use_now);
    CHECK(departure(forks, 4).kind == Departure::Kind::none);
    CHECK(departure(forks, 4, ".partial").at == 0x480000);
    CHECK(departure(forks, 5, ".partial").kind == Departure::Kind::none);
}

TEST_CASE("Where a timeline is in use behind a fork, what lies behind the fork may not differ") {
    Forks forks;
    forks.add(TimelineHistory::parse(2, "1\t0/480000\ta copy for a test was promoted\n"));
    forks.add_in_use(1, 0x480000);  // a base backup starts at the fork at the latest: that says nothing
    CHECK(departure(forks, 4).kind == Departure::Kind::within);
    CHECK(departure(forks, 5).kind == Departure::Kind::before);
    forks.add_in_use(2, in_use_now);
    CHECK(departure(forks, 5).kind == Departure::Kind::before);
    forks.add_in_use(1, 0x600028);
    CHECK(departure(forks, 4).kind == Departure::Kind::none);
    CHECK(departure(forks, 5).kind == Departure::Kind::none);
    CHECK(departure(forks, 9).kind == Departure::Kind::none);
    forks.add(TimelineHistory::parse(3, "1\t0/800000\tand then it was left\n"));
    CHECK(departure(forks, 7).kind == Departure::Kind::none);
    CHECK(departure(forks, 8).kind == Departure::Kind::before);
    forks.add_in_use(1, in_use_now);
    CHECK(departure(forks, 8).kind == Departure::Kind::none);
}

TEST_CASE("A timeline in use is left for no other whose history cannot be read, where that began before") {
    Forks forks;
    forks.add_unread(2, 4 * size);
    forks.add_in_use(1, 4 * size + 40);  // may lie before the fork
    CHECK(departure(forks, 5).kind == Departure::Kind::perhaps);
    forks.add_in_use(1, 5 * size);
    CHECK(departure(forks, 5).kind == Departure::Kind::none);
    forks.add_unread(3, std::nullopt);
    CHECK(departure(forks, 5).kind == Departure::Kind::perhaps);
    forks.add_in_use(1, in_use_now);
    CHECK(departure(forks, 5).kind == Departure::Kind::none);
}

TEST_CASE(
    "Without a readable history the first segment of a later timeline says where the earlier one may have "
    "ended") {
    Forks forks;
    forks.add_unread(2, 4 * size);
    CHECK(departure(forks, 3).kind == Departure::Kind::none);
    CHECK(departure(forks, 4).kind == Departure::Kind::perhaps);
    CHECK(departure(forks, 9).by == 2);
    CHECK(describe(departure(forks, 9)) ==
          "a place that only the history of timeline 2 tells, which cannot be read here");
    forks.add_unread(2, 3 * size);  // another store has more of it
    CHECK(departure(forks, 3).kind == Departure::Kind::perhaps);
    forks.add(TimelineHistory::parse(2, "1\t0/480000\treason\n"));
    CHECK(departure(forks, 3).kind == Departure::Kind::none);
    CHECK(departure(forks, 9).kind == Departure::Kind::before);
    forks.add_unread(2, 3 * size);
    CHECK(departure(forks, 3).kind == Departure::Kind::none);
}

TEST_CASE("A timeline of which there is only the history, which cannot be read, may have begun anywhere") {
    Forks forks;
    forks.add_unread(2, std::nullopt);
    CHECK(departure(forks, 1).kind == Departure::Kind::perhaps);
    CHECK(forks.departure(*WalName::parse("000000030000000000000001"), size).kind == Departure::Kind::none);
}
