#include "maintenance/gaps/gaps.hpp"

#include <initializer_list>

#include "archive/listed_gaps.hpp"
#include "maintenance/gaps/whereabouts.hpp"
#include "tests/catch.hpp"
#include "tests/fake_store.hpp"
#include "tests/kind_of.hpp"

using namespace walferry;
using namespace walferry::gaps;

namespace {

std::string segment(std::uint32_t timeline, std::uint64_t number) {
    return WalName::segment_at(timeline, number << 24, std::uint64_t{16} << 20).text;
}

void put(test::FakeStore& store, const std::string& name) {
    const std::string half(32, '0');
    const ObjectName object{name, half, "00000000", half, false};
    store.objects[ObjectKeys("", "main", 7).wal(object)] = "x";
}

}  // namespace

TEST_CASE("A range of segments is acknowledged with a reason, and nothing else") {
    const std::string first = segment(1, 5), last = segment(1, 9);
    const Acknowledgement range = parse_acknowledgement(first + "-" + last, "lost");
    CHECK(range.first == first);
    CHECK(range.last == last);
    CHECK(parse_acknowledgement(first, "lost").last == first);
    for (const std::string& wrong :
         {std::string(), std::string("5-9"), last + "-" + first, first + "-" + segment(2, 9), first + "-",
          first + "-" + last + "-", first + ".partial"})
        CHECK(test::kind_of([&] { (void)parse_acknowledgement(wrong, "lost"); }) == ErrorKind::usage);
    CHECK(test::kind_of([&] { (void)parse_acknowledgement(first, ""); }) == ErrorKind::usage);
}

TEST_CASE("A gap is known where all of it was acknowledged, in that store and on that timeline") {
    const std::vector<KnownGap> known{{"one", segment(1, 5), segment(1, 9), "lost", "then"}};
    CHECK(known_gap(known, "one", segment(1, 5), segment(1, 9)));
    CHECK(known_gap(known, "one", segment(1, 6), segment(1, 7)));
    CHECK(known_gap(known, "", segment(1, 6), segment(1, 7)));
    CHECK_FALSE(known_gap(known, "two", segment(1, 6), segment(1, 7)));
    CHECK_FALSE(known_gap(known, "one", segment(1, 4), segment(1, 7)));
    CHECK_FALSE(known_gap(known, "one", segment(1, 6), segment(1, 10)));
    CHECK_FALSE(known_gap(known, "one", segment(2, 6), segment(2, 7)));
}

TEST_CASE("Without a ledger gaps are found in the whole listing of each timeline") {
    test::FakeStore store;
    for (const std::uint64_t number : std::initializer_list<std::uint64_t>{1, 2, 5, 6, 8})
        put(store, segment(1, number));
    for (const std::uint64_t number : std::initializer_list<std::uint64_t>{7, 8, 9})
        put(store, segment(2, number));
    put(store, segment(2, 20) + ".partial");
    const auto gaps = archive::find_listed_gaps(store, ObjectKeys("", "main", 7), std::uint64_t{16} << 20);
    REQUIRE(gaps.size() == 2);
    CHECK(gaps[0].after == segment(1, 2));
    CHECK(gaps[0].before == segment(1, 5));
    CHECK(gaps[1].before == segment(1, 8));
    // Timeline 3 begins at 12: what timeline 2 lacks before it begins behind 9.
    CHECK(archive::first_missing_before(store, ObjectKeys("", "main", 7), segment(2, 11),
                                        std::uint64_t{16} << 20) == segment(2, 10));
    CHECK(archive::first_missing_before(store, ObjectKeys("", "main", 7), segment(4, 11),
                                        std::uint64_t{16} << 20) == segment(4, 11));
}

TEST_CASE("Where some of a gap still is, its first segment there is told") {
    FoundGap gap;
    gap.first = segment(1, 5);
    gap.last = segment(1, 9);
    gap.missing = 5;
    add_whereabouts(gap, {Whereabouts::Place::spool, {}}, {segment(1, 4), segment(1, 10)});
    CHECK(gap.still_in.empty());
    add_whereabouts(gap, {Whereabouts::Place::spool, {}},
                    {segment(1, 4), segment(1, 6), segment(1, 7) + ".partial", segment(1, 9), segment(2, 8)});
    REQUIRE(gap.still_in.size() == 1);
    CHECK(gap.still_in[0].segments == 2);
    CHECK(gap.still_in[0].first == segment(1, 6));
}
