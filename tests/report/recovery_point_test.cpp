#include "report/recovery_point.hpp"

#include <filesystem>

#include "common/codec/wal_facts_text.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

constexpr std::uint64_t cluster = 7301234567890123456, size = 16 << 20;
const std::string content(32, 'a');

/// A backup of segment 2 of timeline 1, and a commit in each segment, whose time is the segment's number in
/// seconds.
struct Place {
    Place() {
        std::filesystem::create_directories(dir / "ledger");
        ledger = std::make_unique<Ledger>(spool, Ledger::Open::create);
        store = ledger->add_store({"one", "directory", "/srv/one", "", ""}, wall_now());
    }
    std::int64_t add(const std::string& name) const {
        const WalName parsed = *WalName::parse(name);
        const std::int64_t id =
            ledger->adopt(cluster, parsed, content, parsed.kind == WalKind::segment ? size : 50, wall_now());
        if (const auto start = parsed.start_lsn(size); start && parsed.kind == WalKind::segment) {
            WalFacts facts;
            facts.begin = *start;
            facts.end = *start + size;
            facts.commits = 1;
            const std::int64_t seconds = static_cast<std::int64_t>(*start / size);
            facts.last_commit = facts.first_end = facts.last_end = facts.greatest_end =
                WalMoment{seconds * 1000000, *start + 100};
            ledger->note_facts(id, facts_to_note(facts));
        }
        return id;
    }
    void verify(std::int64_t id, std::optional<std::int64_t> other = {}) const {
        const VerifiedObject object{id, "key" + std::to_string(id), 1, std::string(64, 'b')};
        ledger->begin_put(other.value_or(store), object, false);
        ledger->verified(other.value_or(store), std::vector{object}, {}, wall_now());
        ledger->removed(id, wall_now());
    }
    std::int64_t verified(const std::string& name) const {
        const std::int64_t id = add(name);
        verify(id);
        return id;
    }
    void backup(std::optional<std::int64_t> in = {}) const {
        const std::int64_t stores[] = {in.value_or(store)};
        const auto id = ledger->begin_backup(cluster, "20261124T121314Z-1a2b3c4d", 4711, stores, wall_now());
        ledger->describe_backup(
            id, {"2026-11-24T12:13:14.000Z", "2026-11-24T12:14:14.000Z", 1, 0x2000028, 0x2000100,
                 "000000010000000000000002", "000000010000000000000002", 1, 9});
        ledger->expect_backup_label(id, stores[0], "backup/x/label-1", std::string(64, 'a'), 99);
        ledger->backup_verified(id, stores[0], wall_now());
    }
    void history(std::uint32_t timeline, const std::string& text) const {
        ledger->add_history(cluster, {timeline, content, text});
    }
    report::RecoveryPoint point() const { return *report::recovery_point(*ledger, cluster, store); }
    /// "SECONDS of the last commit, TIMELINE/NUMBER of the hole".
    std::string told() const {
        const auto found = point();
        const std::string hole = found.hole.value_or("");
        return (found.last_commit ? std::to_string(found.last_commit->time / 1000000) : "-") +
               (hole.empty() ? ""
                             : " " + (hole.size() == 24 ? hole.substr(7, 1) + "/" + hole.substr(22) : hole));
    }

    TempDir dir;
    SpoolPaths spool{dir.path()};
    std::unique_ptr<Ledger> ledger;
    std::int64_t store = 0;
};

std::string segment(int timeline, int number) {
    return WalName::segment_at(static_cast<std::uint32_t>(timeline),
                               static_cast<std::uint64_t>(number) * size, size)
        .text;
}

}  // namespace

TEST_CASE("The recovery point ends before the first segment that the store lacks, whatever the spool holds") {
    const Place place;
    std::vector<std::int64_t> ids;
    for (int i = 1; i <= 6; ++i) ids.push_back(place.add(segment(1, i)));
    place.verify(ids[1]);
    place.backup();
    CHECK(place.told() == "2 1/03");
    for (const int i : {0, 3, 4}) place.verify(ids[static_cast<std::size_t>(i)]);
    // It has left the spool, and no row says that this store has it.
    place.ledger->removed(ids[2], wall_now());
    CHECK(place.told() == "2 1/03");
    place.verify(ids[2]);
    CHECK(place.told() == "5 1/06");
    CHECK_FALSE(place.point().listed);
    place.verify(ids[5]);
    CHECK(place.told() == "6");
    // Segments between that the ledger never saw.
    place.verified(segment(1, 9));
    CHECK(place.told() == "6 1/07");
}

TEST_CASE("What only a listing shows counts, and is named") {
    const Place place;
    place.verified(segment(1, 2));
    place.backup();
    const auto third = place.add(segment(1, 3));
    const ListedObject object{cluster, *WalName::parse(segment(1, 4)), content, "k", 9, std::string(32, 'c')};
    place.ledger->add_listed(place.store, std::vector{object}, wall_now());
    place.ledger->set_missing_sizes(cluster, size);
    CHECK(place.told() == "2 1/03");
    place.verify(third);
    CHECK(place.point().segment == segment(1, 4));
    CHECK(place.point().listed == segment(1, 4));
    CHECK(place.told() == "3");
    CHECK_FALSE(place.point().known);
}

TEST_CASE("Nothing is safe in a store from which no backup can be restored") {
    const Place place;
    const auto other = place.ledger->add_store({"two", "directory", "/srv/two", "", ""}, wall_now());
    CHECK_FALSE(report::recovery_point(*place.ledger, cluster, place.store));
    const auto second = place.add(segment(1, 2));
    place.verify(second);
    place.verify(second, other);
    place.verified(segment(1, 3));
    CHECK(place.told() == "-");
    CHECK_FALSE(place.point().reason.empty());
    place.backup(other);
    CHECK(place.told() == "-");
    CHECK(place.point().segment.empty());
    CHECK_FALSE(place.point().reason.empty());
    CHECK(report::recovery_point(*place.ledger, cluster, other)->last_commit->time == 2'000'000);
}

TEST_CASE("A segment with two contents that are not settled is a hole") {
    const Place place;
    std::vector<std::int64_t> ids;
    for (int i = 2; i <= 5; ++i) ids.push_back(place.verified(segment(1, i)));
    place.backup();
    CHECK(place.told() == "5");
    place.ledger->add_conflict({ids[2], std::nullopt, content, std::string(32, 'b')}, wall_now());
    CHECK(place.told() == "3 1/04");
    // They differ only behind a place where timeline 1 was left, and nothing here leads to the one that left.
    const std::int64_t conflict = place.ledger->conflicts(true).at(0).id;
    place.ledger->judge_conflict(conflict, Divergence{true, "0/4000100, where timeline 2 began"}, wall_now());
    CHECK(place.told() == "3 1/04");
    place.ledger->judge_conflict(conflict, std::nullopt, wall_now());
    place.ledger->settle(cluster, segment(1, 4), wall_now());
    CHECK(place.told() == "5");
}

TEST_CASE("A timeline is followed by its history, where the store has it") {
    const Place place;
    for (int i = 2; i <= 6; ++i) place.verified(segment(1, i));
    place.backup();
    for (int i = 4; i <= 8; ++i) place.verified(segment(2, i));
    // The segments tell of a timeline, and nothing tells how it is reached.
    CHECK(place.told() == "6 00000002.history");
    place.history(2, "1\t0/4000100\tno recovery target specified\n");
    CHECK(place.told() == "6 00000002.history");
    const auto file = place.add("00000002.history");
    CHECK(place.told() == "6 00000002.history");
    place.verify(file);
    CHECK(place.told() == "8");
    place.ledger->add_conflict({file, std::nullopt, content, std::string(32, 'b')}, wall_now());
    CHECK(place.told() == "6 00000002.history");
}

TEST_CASE("Behind a fork only the newer timeline counts, each of those on the way") {
    const Place place;
    for (int i = 2; i <= 9; ++i) place.verified(segment(1, i));
    place.backup();
    place.history(2, "1\t0/4000100\tx\n");
    place.verified("00000002.history");
    // A timeline that has no segments yet ends the one before it.
    CHECK(place.told() == "3");
    place.verified(segment(2, 4));
    place.history(3, "1\t0/4000100\tx\n2\t0/6000100\tx\n");
    place.verified("00000003.history");
    place.verified(segment(3, 6));
    CHECK(place.told() == "4 2/05");
    place.verified(segment(2, 5));
    CHECK(place.told() == "6");
    // One that left before the backup was complete leads elsewhere.
    place.history(4, "1\t0/1000100\tx\n");
    place.verified("00000004.history");
    place.verified(segment(4, 1));
    CHECK(place.told() == "6");
}
