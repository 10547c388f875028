#include "report/events.hpp"

#include <filesystem>

#include "common/codec/wal_facts_text.hpp"
#include "report/events_report.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::report;
using namespace walferry::test;

namespace {

constexpr std::uint64_t cluster = 7301234567890123456, size = 16 << 20;

struct Place {
    Place() {
        std::filesystem::create_directories(dir / "ledger");
        ledger = std::make_unique<Ledger>(spool, Ledger::Open::create);
    }
    static WalFacts of(int number, std::uint32_t next_xid) {
        WalFacts facts;
        facts.begin = static_cast<std::uint64_t>(number) * size;
        facts.end = facts.begin + size;
        facts.timeline = 1;
        facts.next_xid = next_xid;
        return facts;
    }
    std::int64_t add(std::uint64_t number, const WalFacts* facts, std::uint64_t of_cluster = cluster) const {
        const auto id = ledger->adopt(of_cluster, WalName::segment_at(1, number * size, size),
                                      std::string(32, 'a'), size, wall_now());
        if (facts != nullptr) ledger->note_facts(id, facts_to_note(*facts));
        return id;
    }
    /// Segment 9, in which transaction 800 ends, which dropped a table.
    void add_drop() const {
        WalFacts facts = of(9, 801);
        WalEvent event;
        event.kind = WalEvent::Kind::files_removed;
        event.lsn = facts.begin + 500;
        event.time = 1'000'000;
        event.xid = 800;
        event.removed = {16384};
        event.removed_count = 1;
        event.transaction.xid = 800;
        event.transaction.first_lsn = event.lsn;
        facts.events.push_back(event);
        add(9, &facts);
    }
    EventsFound found() const { return find_events(*ledger, cluster, {}); }

    TempDir dir;
    SpoolPaths spool{dir.path()};
    std::unique_ptr<Ledger> ledger;
};

/// In which transaction 800 took its lock.
WalFacts with_lock(int number) {
    WalFacts facts = Place::of(number, 801);
    facts.open.push_back({800, facts.begin + 300, {{5, 16384, facts.begin + 300}}, {}, {}, 1, 0});
    return facts;
}

}  // namespace

TEST_CASE("A transaction is followed back to where it began, and only then a target is named") {
    const Place place;
    const WalFacts before = Place::of(6, 700), began = with_lock(7), between = Place::of(8, 801);
    place.add_drop();
    SECTION("all of it is known") {
        place.add(6, &before);
        place.add(7, &began);
        place.add(8, &between);
        const auto found = place.found();
        REQUIRE(found.events.size() == 1);
        CHECK(found.events[0].begin_known);
        CHECK(found.events[0].before() == began.begin + 300);
        CHECK(removal_of(found.events[0].event) == Removal::dropped);
        CHECK(events_text(found, {}).find("--target-lsn 0/700012C --exclusive") != std::string::npos);
    }
    SECTION("of a segment between nothing is known") {
        place.add(6, &before);
        place.add(7, &began);
        place.add(8, nullptr);
    }
    SECTION("a segment between is missing") {
        place.add(6, &before);
        place.add(7, &began);
    }
    SECTION("the ledger begins later") {
        place.add(8, &between);
    }
    SECTION("a record between two segments cannot be put together") {
        WalFacts cut = began;
        cut.tail = WalTail{cut.end - 100, 5000, std::vector<std::byte>(100)};
        cut.tail->bytes[17] = std::byte{8};  // a lock
        place.add(6, &before);
        place.add(7, &cut);
        place.add(8, &between);
    }
    const auto found = place.found();
    REQUIRE(found.events.size() == 1);
    if (!found.events[0].begin_known) {
        CHECK(found.events[0].before() == 0);
        CHECK(events_text(found, {}).find("--target-lsn") == std::string::npos);
        CHECK(events_text(found, {}).find("where its transaction began is not known") != std::string::npos);
    } else {
        CHECK(place.ledger->facts_up_to(cluster, "000000010000000000000008", 9).size() == 3);
    }
}

TEST_CASE("What cannot be proven to be a replacement is told") {
    const Place place;
    WalFacts facts = Place::of(9, 801), before = Place::of(8, 800);
    WalEvent event;
    event.kind = WalEvent::Kind::files_removed;
    event.lsn = facts.begin + 500;
    event.time = 1'000'000;
    event.xid = 800;
    event.removed = {16384};
    event.removed_count = 1;
    // DROP and CREATE in one transaction.
    event.transaction = {800,
                         facts.begin + 300,
                         {{5, 16384, facts.begin + 300}, {5, 16400, facts.begin + 400}},
                         {16400},
                         {},
                         2,
                         1};
    facts.events.push_back(event);
    place.add(8, &before);
    place.add(9, &facts);
    const auto found = place.found();
    REQUIRE(found.events.size() == 1);
    CHECK(events_text(found, {}).find("files replaced or removed") != std::string::npos);
    CHECK(events_json(found, {}).find("files_replaced_or_removed") != std::string::npos);
}

TEST_CASE("A database that is moved is not told as dropped, and one that is dropped later is") {
    const Place place;
    const auto event = [](WalEvent::Kind kind, std::uint64_t lsn, std::uint32_t tablespace,
                          const char* text) {
        WalEvent made;
        made.kind = kind;
        made.lsn = lsn;
        made.time = 1'000'000;
        made.xid = 800;
        made.database = 16400;
        made.tablespace = tablespace;
        made.text = text;
        return made;
    };
    WalFacts first = Place::of(8, 801), second = Place::of(9, 802), third = Place::of(10, 803);
    first.events.push_back(event(WalEvent::Kind::database_created, first.begin + 100, 17000, moved_database));
    second.events.push_back(event(WalEvent::Kind::database_dropped, second.begin + 100, 1663, ""));
    third.events.push_back(event(WalEvent::Kind::database_dropped, third.begin + 100, 17000, ""));
    place.add(8, &first);
    place.add(9, &second);
    place.add(10, &third);
    const auto found = place.found();
    REQUIRE(found.events.size() == 2);
    CHECK(found.events[0].is_move());
    CHECK(events_text(found, {}).find("moved database 16400 to tablespace 17000") != std::string::npos);
    CHECK(found.events[1].event.lsn == third.begin + 100);
    // Asked for the time behind the move alone.
    EventsWanted wanted;
    second.events[0].time = 5'000'000;
    place.add(9, &second);
    wanted.since = 4'000'000;
    CHECK(find_events(*place.ledger, cluster, wanted).events.empty());
}

TEST_CASE("Another cluster's gaps are not told") {
    const Place place;
    place.add(1, nullptr);
    place.add(2, nullptr);
    place.add(1, nullptr, cluster + 1);
    place.add(5, nullptr, cluster + 1);
    CHECK(place.found().gaps.empty());
    CHECK(find_events(*place.ledger, cluster + 1, {}).gaps.size() == 1);
}
