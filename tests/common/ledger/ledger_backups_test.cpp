#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;

namespace {

constexpr std::uint64_t cluster = 7301234567890123456;

struct Fixture {
    test::TempDir directory;
    SpoolPaths spool{directory.path()};
    std::unique_ptr<Ledger> ledger;
    std::int64_t r2 = 0, nas = 0;

    Fixture() {
        std::filesystem::create_directory(spool.ledger_directory());
        ledger = std::make_unique<Ledger>(spool, Ledger::Open::create);
        r2 = ledger->add_store({"r2", "s3", "https://r2", "wal", ""}, wall_now());
        nas = ledger->add_store({"nas", "directory", "/mnt", "", ""}, wall_now());
    }

    std::int64_t begin(const std::string& name) {
        const std::int64_t stores[] = {r2, nas};
        return ledger->begin_backup(cluster, name, 4711, stores, wall_now());
    }
    void describe(std::int64_t backup) {
        ledger->describe_backup(
            backup, {"2026-11-24T12:13:14.000Z", "2026-11-24T12:14:14.000Z", 1, 0x2000028, 0x3000100,
                     "000000010000000000000002", "000000010000000000000003", 2, 9});
    }
    void verified(std::int64_t backup, std::int64_t store) {
        ledger->expect_backup_label(backup, store, "backup/x/label-1", std::string(64, 'a'), 99);
        ledger->backup_verified(backup, store, wall_now());
    }
    void segment_verified(const char* name, std::int64_t store) {
        const std::int64_t id =
            ledger->adopt(cluster, *WalName::parse(name), std::string(32, 'f'), 16 << 20, wall_now());
        const VerifiedObject object{id, "key", 1, std::string(64, 'b')};
        ledger->begin_put(store, object, false);
        ledger->verified(store, std::span(&object, 1), {}, wall_now());
    }
};

}  // namespace

TEST_CASE("a backup can be restored from a store when that store also has its WAL from start to stop") {
    Fixture f;
    const std::int64_t backup = f.begin("20261124T121314Z-1a2b3c4d");
    CHECK(f.ledger->last_restorable_backups().empty());
    f.describe(backup);
    f.verified(backup, f.r2);
    CHECK(f.ledger->backup_copies(backup).at(0).missing_segments == 2);
    CHECK(f.ledger->last_restorable_backups().empty());
    f.segment_verified("000000010000000000000002", f.r2);
    f.segment_verified("000000010000000000000002", f.nas);
    f.segment_verified("000000010000000000000003", f.nas);
    f.segment_verified("000000010000000000000004", f.r2);
    f.segment_verified("000000020000000000000003", f.r2);
    CHECK(f.ledger->backup_copies(backup).at(0).missing_segments == 1);
    CHECK(f.ledger->last_restorable_backups().empty());
    f.segment_verified("000000010000000000000003", f.r2);
    const auto last = f.ledger->last_restorable_backups();
    REQUIRE(last.size() == 1);
    CHECK(last[0].store == "r2");
    CHECK(last[0].backup == "20261124T121314Z-1a2b3c4d");
    // All of the WAL alone does not make a backup.
    CHECK_FALSE(f.ledger->backup_copies(backup).at(1).restorable);
    CHECK(f.ledger->backup_copies(backup).at(1).missing_segments == 0);
}

TEST_CASE("a backup whose WAL a listing shows with two contents is not restorable") {
    Fixture f;
    const std::int64_t backup = f.begin("20261124T121314Z-1a2b3c4d");
    f.describe(backup);
    f.verified(backup, f.r2);
    const std::string hash(32, 'd');
    const auto listed = [&](const char* name, char content) {
        return ListedObject{cluster, *WalName::parse(name), std::string(32, content), name, 9, hash};
    };
    const std::vector<ListedObject> objects{listed("000000010000000000000002", 'e'),
                                            listed("000000010000000000000003", 'e'),
                                            listed("000000010000000000000003", 'f')};
    f.ledger->add_listed(f.r2, objects, wall_now());
    CHECK(f.ledger->add_listed_conflicts(cluster, "000000010000000000000004", "000000010000000000000009",
                                         wall_now()) == 0);
    CHECK(f.ledger->add_listed_conflicts(cluster, "000000010000000000000002", "000000010000000000000003",
                                         wall_now()) > 0);
    CHECK(f.ledger->backup_copies(backup).at(0).missing_segments == 0);
    CHECK_FALSE(f.ledger->backup_copies(backup).at(0).restorable);
    CHECK(f.ledger->last_restorable_backups().empty());
}

TEST_CASE("contents that differ behind a fork spoil a backup that ends behind it, and no other") {
    Fixture f;
    const std::int64_t backup = f.begin("20261124T121314Z-1a2b3c4d");
    f.describe(backup);  // from 0/2000028 to 0/3000100
    f.verified(backup, f.r2);
    f.segment_verified("000000010000000000000002", f.r2);
    f.segment_verified("000000010000000000000003", f.r2);
    const std::int64_t segment = f.ledger->rows_of(cluster, "000000010000000000000003").at(0).id;
    f.ledger->add_conflict({segment, f.r2, std::string(32, 'f'), std::string(32, 'e')}, wall_now());
    const std::int64_t conflict = f.ledger->conflicts(false).at(0).id;
    CHECK_FALSE(f.ledger->backup_copies(backup).at(0).restorable);
    const auto restorable = [&](const std::string& fork) {
        f.ledger->judge_conflict(conflict, Divergence{true, fork + ", where timeline 2 began"}, wall_now());
        return f.ledger->backup_copies(backup).at(0).restorable;
    };
    CHECK(restorable("0/3000100"));
    CHECK(restorable("0/10000000"));
    CHECK(restorable("1/28"));
    CHECK_FALSE(restorable("0/30000FF"));
    CHECK_FALSE(restorable("0/A00028"));
    CHECK(f.ledger->last_restorable_backups().empty());
}

TEST_CASE("a timeline that may have gone on behind a fork is judged once more") {
    Fixture f;
    f.segment_verified("000000010000000000000003", f.r2);
    const std::int64_t segment = f.ledger->rows_of(cluster, "000000010000000000000003").at(0).id;
    f.ledger->add_conflict({segment, f.r2, std::string(32, 'f'), std::string(32, 'e')}, wall_now());
    f.ledger->judge_conflict(f.ledger->conflicts(false).at(0).id, Divergence{true, "0/2000000, where"},
                             wall_now() - std::chrono::hours(1));
    CHECK(f.ledger->conflicts_to_judge().size() == 1);  // the newest that was archived here
    f.segment_verified("000000020000000000000003", f.r2);
    CHECK(f.ledger->conflicts_to_judge().empty());
    CHECK(f.ledger->backup_starts(cluster).empty());
    const std::int64_t backup = f.begin("20261124T121314Z-1a2b3c4d");
    f.describe(backup);
    CHECK(f.ledger->backup_starts(cluster).empty());  // it is not whole yet
    f.verified(backup, f.r2);
    CHECK(f.ledger->conflicts_to_judge().size() == 1);
    REQUIRE(f.ledger->backup_starts(cluster).size() == 1);
    CHECK(f.ledger->backup_starts(cluster)[0].lsn == 0x2000028);
    CHECK(f.ledger->backup_starts(cluster)[0].timeline == 1);
}

TEST_CASE("a backup that lacks a part of the cluster is never restorable") {
    Fixture f;
    const std::int64_t backup = f.begin("20261124T121314Z-1a2b3c4d");
    f.ledger->describe_backup(
        backup, {"2026-11-24T12:13:14.000Z", "2026-11-24T12:14:14.000Z", 1, 0x2000028, 0x3000100,
                 "000000010000000000000002", "000000010000000000000002", 1, 9, 1});
    f.verified(backup, f.r2);
    f.segment_verified("000000010000000000000002", f.r2);
    CHECK(f.ledger->backup_copies(backup).at(0).missing_segments == 0);
    CHECK_FALSE(f.ledger->backup_copies(backup).at(0).restorable);
    CHECK(f.ledger->last_restorable_backups().empty());
}

TEST_CASE("the newest restorable backup is the one with the newest WAL, whatever the clock said") {
    Fixture f;
    for (const char* name :
         {"000000010000000000000002", "000000010000000000000003", "000000010000000000000004"})
        f.segment_verified(name, f.r2);
    const std::int64_t ahead = f.begin("20261124T141314Z-00000001");
    f.ledger->describe_backup(
        ahead, {"2026-11-24T14:13:14.000Z", "2026-11-24T14:14:14.000Z", 1, 0x2000028, 0x2000100,
                "000000010000000000000002", "000000010000000000000002", 1, 9});
    f.verified(ahead, f.r2);
    const std::int64_t later = f.begin("20261124T121314Z-00000002");
    f.ledger->describe_backup(
        later, {"2026-11-24T12:13:14.000Z", "2026-11-24T12:14:14.000Z", 1, 0x3000028, 0x4000100,
                "000000010000000000000003", "000000010000000000000004", 2, 9});
    f.verified(later, f.r2);
    const auto last = f.ledger->last_restorable_backups();
    REQUIRE(last.size() == 1);
    CHECK(last[0].backup == "20261124T121314Z-00000002");
    CHECK(last[0].stopped_at == "2026-11-24T12:14:14.000Z");
}

TEST_CASE("the copies of which nothing says that they are whole are known after a crash") {
    Fixture f;
    const std::int64_t killed = f.begin("20261124T121314Z-00000001");
    f.verified(killed, f.nas);
    const std::int64_t other = f.begin("20261124T121314Z-00000002");
    f.ledger = std::make_unique<Ledger>(f.spool, Ledger::Open::existing);
    auto left = f.ledger->abandoned_backups();
    REQUIRE(left.size() == 3);
    CHECK(left[0].name == "20261124T121314Z-00000001");
    CHECK(left[0].store == f.r2);
    CHECK(left[0].system_identifier == cluster);
    CHECK(left[0].label_key.empty());
    CHECK(left[0].complete_elsewhere);
    CHECK_FALSE(left[1].complete_elsewhere);
    f.ledger->backup_removed(killed, f.r2);
    f.ledger->backup_removed(killed, f.nas);  // whole: stays
    f.ledger->backup_removed(other, f.r2);
    f.ledger->retire_store(f.nas, wall_now());
    CHECK(f.ledger->abandoned_backups().empty());
    CHECK_THROWS_AS(f.begin("20261124T121314Z-00000002"), Error);
}

TEST_CASE("of each cluster the newest backup counts, and the present cluster is the one that archived last") {
    Fixture f;
    CHECK_FALSE(f.ledger->present_cluster());
    f.ledger->adopt(cluster + 1, *WalName::parse("000000010000000000000002"), std::string(32, 'e'), 16 << 20,
                    wall_now());
    CHECK(f.ledger->present_cluster() == cluster + 1);
    f.segment_verified("000000010000000000000002", f.r2);
    f.segment_verified("000000010000000000000003", f.r2);
    CHECK(f.ledger->present_cluster() == cluster);
    const std::int64_t backup = f.begin("20261124T121314Z-1a2b3c4d");
    f.describe(backup);
    f.verified(backup, f.r2);
    const auto last = f.ledger->last_restorable_backups();
    REQUIRE(last.size() == 1);
    CHECK(last[0].system_identifier == cluster);
    // Listings come in no order of time, identifiers do.
    const std::string hash(32, 'd');
    for (const std::uint64_t listed : {cluster + 2, std::uint64_t{42}}) {
        const ListedObject object{listed, *WalName::parse("000000010000000000000009"), hash, "key", 9, hash};
        f.ledger->add_listed(f.r2, std::span(&object, 1), wall_now());
    }
    CHECK(f.ledger->present_cluster() == cluster + 2);
}

TEST_CASE("a server's cluster is told from the one whose WAL the ledger knows") {
    Fixture f;
    CHECK_FALSE(f.ledger->other_cluster(cluster));
    f.segment_verified("000000010000000000000002", f.r2);
    CHECK_FALSE(f.ledger->other_cluster(cluster));
    CHECK(f.ledger->other_cluster(1) == cluster);
}
