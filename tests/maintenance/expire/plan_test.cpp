#include "maintenance/expire/plan.hpp"

#include "tests/catch.hpp"
#include "tests/maintenance/expire/cluster_maker.hpp"

using namespace walferry;
using namespace walferry::expire;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Forty days of WAL, and a backup every five days from day 1 on.
ClusterMaker forty_days() {
    ClusterMaker made;
    made.wal(1, 0, 40);
    for (int when = 1; when < 40; when += 5) made.backup("b" + std::to_string(when), when);
    return made;
}

}  // namespace

TEST_CASE("expire keeps the newest backup before the window, all WAL from its start, and what came later",
          "[expire]") {
    ClusterMaker made = forty_days();
    const Plan plan = made.at(40);
    REQUIRE(plan.blocked.empty());
    CHECK(plan.window->end == day(39.9));
    CHECK(made.fate(plan, "b21") == Fate::mark);
    CHECK(made.fate(plan, "b26") == Fate::keep);
    CHECK_THAT(made.decision(plan, "b26").why, ContainsSubstring("begins with it"));
    CHECK(made.fate(plan, "b31") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 25.9) == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 26) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 39.9) == Fate::keep);
}

TEST_CASE("expire marks first, waits for the grace period, and removes then", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    const Plan early = made.at(40.9);
    CHECK(made.fate(early, "b21") == Fate::wait);
    CHECK(made.decision(early, "b21").until == day(41));
    CHECK(made.wal_fate(early, 1, 3) == Fate::wait);
    CHECK(made.object_fate(early, "piece/b21") == Fate::keep);
    const Plan due = made.at(41);
    CHECK(made.fate(due, "b21") == Fate::remove);
    CHECK(made.object_fate(due, "piece/b21") == Fate::remove);
    CHECK(made.wal_fate(due, 1, 21) == Fate::remove);
    CHECK(due.amount(Fate::remove).objects == 260 + 5);
    CHECK(due.amount(Fate::remove).bytes == 260 * 1000 + 5 * 50);
    CHECK(made.fate(due, "b26") == Fate::keep);
}

TEST_CASE("expire: without a setting nothing expires", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    made.retention = {};
    const Plan plan = made.at(60);
    CHECK_THAT(plan.blocked, ContainsSubstring("no retention"));
    CHECK(plan.amount(Fate::remove).objects + plan.amount(Fate::mark).objects == 0);
    CHECK(plan.withdrawn.empty());
    CHECK(made.fate(plan, "b1") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 0) == Fate::keep);
}

TEST_CASE("expire: a listing that was cut short, or an index that cannot be read, decides nothing",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    made.cluster.trouble = "the listing ended after 1000 objects";
    const Plan plan = made.at(60);
    CHECK(plan.blocked == made.cluster.trouble);
    CHECK(made.fate(plan, "b1") == Fate::keep);
}

TEST_CASE("expire: a clock that jumped decides nothing", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    made.clock.doubt = "this host's clock differs from the store's by 400 days";
    CHECK(made.at(440).blocked == made.clock.doubt);
}

TEST_CASE("expire: a clock that jumped and was not noticed uses up no history", "[expire]") {
    ClusterMaker made = forty_days();
    const Plan plan = made.at(4000);
    CHECK(plan.window->end == day(39.9));
    CHECK(made.fate(plan, "b26") == Fate::keep);
}

TEST_CASE("expire: an archiver that stood still for a month leaves the window where it was", "[expire]") {
    ClusterMaker made = forty_days();
    const Plan plan = made.at(70);
    CHECK(plan.window->end == day(39.9));
    CHECK(made.wal_fate(plan, 1, 26) == Fate::keep);
    made.cluster.recovery_point = day(35);  // the last commit that is safe
    CHECK(made.at(70).window->end == day(35));
    CHECK(made.fate(made.at(70), "b21") == Fate::keep);
}

TEST_CASE("expire: fewer backups than are wanted is no error, and none of them goes", "[expire]") {
    ClusterMaker made;
    made.retention.keep_backups = 5;
    made.wal(1, 0, 40);
    made.backup("b1", 1);
    made.backup("b6", 6);
    const Plan plan = made.at(40);
    CHECK(plan.blocked.empty());
    CHECK(made.fate(plan, "b1") == Fate::keep);
    CHECK_THAT(made.decision(plan, "b1").why, ContainsSubstring("one of the newest 5"));
    CHECK(made.fate(plan, "b6") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 1) == Fate::keep);  // its own
    CHECK(made.wal_fate(plan, 1, 3) == Fate::mark);
}

TEST_CASE(
    "expire: where no backup is older than the window, all of them stay, and what came before them goes",
    "[expire]") {
    ClusterMaker made;
    made.wal(1, 0, 12);
    made.backup("b3", 3);
    const Plan plan = made.at(12);
    CHECK(made.fate(plan, "b3") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 2) == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 3) == Fate::keep);
}

TEST_CASE("expire: a store without a backup keeps all of its WAL", "[expire]") {
    ClusterMaker made;
    made.wal(1, 0, 40);
    CHECK(made.wal_fate(made.at(40), 1, 0) == Fate::keep);
}

TEST_CASE("expire: a store without WAL decides nothing", "[expire]") {
    ClusterMaker made;
    made.backup("b1", 1);
    CHECK_THAT(made.at(400).blocked, ContainsSubstring("no WAL"));
}

TEST_CASE("expire: a backup with missing pieces, or a gap in its own WAL, is no base of the window",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.of("b26").missing = 1;
    Plan plan = made.at(40);
    CHECK(made.fate(plan, "b26") == Fate::mark);
    CHECK(made.fate(plan, "b21") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 21) == Fate::keep);

    made.of("b26").missing = 0;
    std::erase_if(made.cluster.wal, [](const WalFile& file) { return file.number == 261; });
    plan = made.at(40);
    CHECK(made.fate(plan, "b21") == Fate::keep);
}

TEST_CASE("expire: a gap before the window keeps everything that was there before it", "[expire]") {
    ClusterMaker made = forty_days();
    std::erase_if(made.cluster.wal, [](const WalFile& file) { return file.number == 280; });
    const Plan plan = made.at(40);
    CHECK(made.fate(plan, "b1") == Fate::keep);
    CHECK_THAT(made.decision(plan, "b1").why, ContainsSubstring("no backup that can be restored along"));
    const Plan later = made.at(40);
    made.wal(1, 40, 46);
    CHECK(made.fate(made.at(46), "b26") == Fate::mark);  // b31 lies behind the gap and before the window
}

TEST_CASE("expire: a stray timeline of a test restore takes nothing of the real one, and goes itself",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.history(2, 1, 22);
    made.wal(2, 22, 23);  // named after everything of timeline 1
    Plan plan = made.at(40);
    CHECK(made.fate(plan, "b26") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 26) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 39.9) == Fate::keep);
    CHECK(made.wal_fate(plan, 2, 22) == Fate::mark);  // older than the window
    // While the window touches it, what leads to it stays as well.
    plan = made.at(40);
    made.file(2, 230, day(39));
    plan = made.at(40);
    CHECK(made.wal_fate(plan, 2, 22) == Fate::keep);
    CHECK(made.fate(plan, "b21") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 21.5) == Fate::keep);
    CHECK(made.fate(plan, "b26") == Fate::keep);
    CHECK(made.fate(plan, "b16") == Fate::mark);
}

TEST_CASE("expire: after a failover the old timeline goes once a backup on the new one precedes the window",
          "[expire]") {
    ClusterMaker made;
    made.wal(1, 0, 20.1);
    made.history(2, 1, 20);
    made.wal(2, 20, 40);
    made.backup("b15", 15);
    made.backup("b35", 35, 2);
    Plan plan = made.at(40);
    CHECK(made.fate(plan, "b15") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 15) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 20) == Fate::keep);
    CHECK(made.wal_fate(plan, 2, 20) == Fate::keep);
    made.wal(2, 40, 46);
    plan = made.at(46);
    CHECK(made.fate(plan, "b15") == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 15) == Fate::mark);
    CHECK(made.wal_fate(plan, 2, 34) == Fate::mark);
    CHECK(made.wal_fate(plan, 2, 35) == Fate::keep);
}

TEST_CASE(
    "expire: where a history cannot be read, nothing of earlier timelines goes before a backup makes it "
    "unnecessary",
    "[expire]") {
    ClusterMaker made;
    made.wal(1, 0, 20.1);
    made.wal(2, 20, 40);
    made.backup("b1", 1);
    made.backup("b15", 15);
    made.backup("b35", 35, 2);
    Plan plan = made.at(40);
    CHECK(made.fate(plan, "b1") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 0) == Fate::keep);
    CHECK(made.wal_fate(plan, 2, 20) == Fate::keep);
    REQUIRE(plan.notes.size() == 1);
    CHECK_THAT(plan.notes[0], ContainsSubstring("history of timeline 2 cannot be read"));
    made.wal(2, 40, 46);
    plan = made.at(46);
    CHECK(made.fate(plan, "b15") == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 20) == Fate::mark);
}

TEST_CASE("expire: histories all stay", "[expire]") {
    ClusterMaker made = forty_days();
    made.file(2, 0, day(1), WalKind::history);
    const Plan plan = made.at(40);
    CHECK(plan.wal.back().fate == Fate::keep);
}

TEST_CASE("expire: daily, weekly, monthly and yearly backups stay with their own WAL alone", "[expire]") {
    ClusterMaker made;
    made.wal(1, 0, 120);
    for (int when = 0; when < 119; ++when) made.backup("b" + std::to_string(when), when);
    made.retention.daily = 2;
    made.retention.weekly = 2;
    made.retention.monthly = 3;
    const Plan plan = made.at(120);
    std::vector<std::string> kept;
    for (std::size_t i = 0; i < 109; ++i) {
        if (plan.backups[i].fate == Fate::keep) kept.push_back(made.cluster.backups[i].id.text);
    }
    // The window begins late on day 109, Monday, April 20th: b109 is the newest of the first period of each.
    CHECK(kept == std::vector<std::string>{"b58", "b89", "b108"});
    CHECK(made.wal_fate(plan, 1, 58) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 58.1) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 58.2) == Fate::mark);
    CHECK_THAT(made.decision(plan, "b58").why, ContainsSubstring("monthly"));
}

TEST_CASE("expire: a held backup stays with its own WAL, and holds up nothing else", "[expire]") {
    ClusterMaker made = forty_days();
    made.cluster.holds.push_back({BackupId{"b1"}, std::nullopt, "audit 2026"});
    made.cluster.holds.push_back({BackupId{"b6"}, day(39), "over"});
    const Plan plan = made.at(40);
    CHECK(made.fate(plan, "b1") == Fate::keep);
    CHECK_THAT(made.decision(plan, "b1").why, ContainsSubstring("audit 2026"));
    CHECK(made.wal_fate(plan, 1, 1.1) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 1.3) == Fate::mark);
    CHECK(made.fate(plan, "b6") == Fate::mark);
    CHECK(made.fate(plan, "b11") == Fate::mark);
}

TEST_CASE("expire: forged backups with false dates push out no real one, and stay", "[expire]") {
    ClusterMaker made = forty_days();
    Backup& forged = made.backup("forged", 28);
    forged.counted = false;
    forged.uncounted = "signed by a writer who is not trusted";
    Plan plan = made.at(40);
    CHECK(made.fate(plan, "b26") == Fate::keep);
    CHECK(made.fate(plan, "forged") == Fate::keep);
    CHECK_THAT(made.decision(plan, "forged").why, ContainsSubstring("not trusted"));

    // With a key that is trusted, but dates that are not those of the store.
    Backup& dated = made.of("forged");
    dated.counted = true;
    dated.put = day(20);
    CHECK_THAT(made.decision(made.at(40), "forged").why, ContainsSubstring("but the store got it at"));
}

TEST_CASE("expire: backups that were brought from another store later count, and reach back no further",
          "[expire]") {
    ClusterMaker made = forty_days();
    for (Backup& backup : made.cluster.backups) backup.put = day(40);
    for (WalFile& file : made.cluster.wal) file.modified = day(40);
    // All that is known is that the store got everything a moment ago: all of it is in the window.
    CHECK(made.fate(made.at(40), "b1") == Fate::keep);
    // A window later the newest of them is enough to lead there.
    made.wal(1, 40, 75);
    const Plan plan = made.at(75);
    CHECK(made.fate(plan, "b31") == Fate::mark);
    CHECK(made.fate(plan, "b36") == Fate::keep);
}

TEST_CASE("expire: a backup whose label is a few days behind precedes no window by that", "[expire]") {
    ClusterMaker made = forty_days();
    made.of("b31").stopped = day(28);
    const Plan plan = made.at(40);
    CHECK(made.fate(plan, "b26") == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 27) == Fate::keep);
}

TEST_CASE("expire: a backup without an index stays, with the WAL that it may need", "[expire]") {
    ClusterMaker made = forty_days();
    Backup& old = made.of("b1");
    old.indexed = old.counted = false;
    old.timeline = 0;
    old.first = old.last = 0;
    old.stopped = {};
    const Plan plan = made.at(40);
    CHECK(made.fate(plan, "b1") == Fate::keep);
    CHECK_THAT(made.decision(plan, "b1").why, ContainsSubstring("no index"));
    CHECK(made.wal_fate(plan, 1, 1) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 8) == Fate::keep);
    CHECK(made.wal_fate(plan, 1, 12) == Fate::mark);
}

TEST_CASE("expire: marks that are not signed by a trusted writer count for nothing", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(30);
    for (Mark& mark : made.cluster.marks) mark.counted = false;
    const Plan plan = made.at(40);
    CHECK(made.fate(plan, "b1") == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 0) == Fate::mark);
    REQUIRE(plan.notes.size() == 1);
    CHECK_THAT(plan.notes[0], ContainsSubstring("for nothing"));
}

TEST_CASE("expire: marks of another policy remove nothing, and it is said", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(38);
    made.retention.keep_backups = 2;
    const Plan plan = made.at(40);
    CHECK(made.fate(plan, "b1") == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 0) == Fate::mark);
    CHECK(plan.amount(Fate::remove).objects == 0);
    REQUIRE(plan.notes.size() == 1);
    CHECK_THAT(plan.notes[0], ContainsSubstring("keep_backups=1"));
    CHECK_THAT(plan.notes[0], ContainsSubstring("by keeper"));
}

TEST_CASE("expire: a mark on what is to stay is taken back, and marked again it waits again", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    made.cluster.holds.push_back({BackupId{"b6"}, std::nullopt, "audit"});
    const Plan plan = made.at(45);
    CHECK(made.fate(plan, "b6") == Fate::keep);
    CHECK(plan.withdrawn.size() == 2);  // the backup's, and that of the WAL it needs
    CHECK(made.fate(plan, "b1") == Fate::remove);
    CHECK(made.wal_fate(plan, 1, 3) == Fate::mark);
}

TEST_CASE("expire: a marked backup whose mark was taken back is restorable: its WAL waits for it",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    std::erase_if(made.cluster.marks, [](const Mark& mark) { return mark.backup == BackupId{"b11"}; });
    const Plan plan = made.at(45);
    CHECK(made.fate(plan, "b11") == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 11) == Fate::wait);
    CHECK(made.wal_fate(plan, 1, 11.1) == Fate::wait);
    CHECK(made.wal_fate(plan, 1, 11.2) == Fate::remove);
}

TEST_CASE("expire: what came into the store after a mark is not marked by it", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    for (WalFile& file : made.cluster.wal) {
        if (file.number == 5) file.modified = day(40.5);  // imported late
    }
    const Plan plan = made.at(45);
    CHECK(made.wal_fate(plan, 1, 0.4) == Fate::remove);
    CHECK(made.wal_fate(plan, 1, 0.5) == Fate::mark);
}

TEST_CASE("expire: an orphan that was put again after it was marked is not marked by that", "[expire]") {
    ClusterMaker made = forty_days();
    made.object("piece/forgotten", day(20));
    made.mark_all(40);
    CHECK(made.object_fate(made.at(42), "piece/forgotten") == Fate::remove);
    made.cluster.objects.back().modified = day(40.5);
    CHECK(made.object_fate(made.at(42), "piece/forgotten") == Fate::keep);
    CHECK(made.object_fate(made.at(48), "piece/forgotten") == Fate::mark);
}

TEST_CASE("expire: where a timeline was left in the segment in which the backup ended, its WAL stays too",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.history(2, 1, 26.1);  // b26 needs the segments of days 26 and 26.1
    made.wal(2, 26.1, 27);
    const Plan plan = made.at(40);
    CHECK(made.fate(plan, "b26") == Fate::keep);
    CHECK(made.wal_fate(plan, 2, 26.5) == Fate::keep);
}

TEST_CASE("expire: marks of which nothing is left are spent", "[expire]") {
    ClusterMaker made = forty_days();
    made.mark_all(40);
    std::erase_if(made.cluster.backups, [](const Backup& backup) { return backup.id.text == "b1"; });
    CHECK(made.at(45).spent == std::vector<std::size_t>{0});
}

TEST_CASE("expire: pieces of several backups go with the last of them", "[expire]") {
    ClusterMaker made = forty_days();
    made.of("b1").objects.push_back(made.object("piece/shared", day(1)));
    made.of("b26").objects.push_back(made.of("b1").objects.back());
    made.of("b6").objects.push_back(made.object("piece/both", day(1)));
    made.of("b1").objects.push_back(made.of("b6").objects.back());
    made.mark_all(40);
    const Plan plan = made.at(45);
    CHECK(made.fate(plan, "b1") == Fate::remove);
    CHECK(made.object_fate(plan, "piece/b1") == Fate::remove);
    CHECK(made.object_fate(plan, "piece/shared") == Fate::keep);
    CHECK(made.object_fate(plan, "piece/both") == Fate::remove);
}

TEST_CASE("expire: while a backup is under way it loses no piece and no WAL, however long it takes",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.object("piece/first", day(25));
    made.mark_all(40);
    CHECK(made.object_fate(made.at(45), "piece/first") == Fate::remove);
    made.cluster.begins.push_back({BackupId{"running"}, day(39), 30});
    const Plan plan = made.at(45);
    CHECK(made.object_fate(plan, "piece/first") == Fate::keep);
    CHECK(made.fate(plan, "b1") == Fate::wait);
    CHECK_THAT(made.decision(plan, "b1").why, ContainsSubstring("is under way"));
    CHECK(made.wal_fate(plan, 1, 3) == Fate::keep);
    CHECK_FALSE(made.wal_fate(plan, 1, 2.9) == Fate::keep);
    // At seven days it has aborted itself.
    CHECK(made.object_fate(made.at(46), "piece/first") == Fate::remove);
}

TEST_CASE("expire: where a backup does not say what WAL it begins with, all from a day before it stays",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.retention.recovery_window = std::chrono::days(1);
    made.cluster.begins.push_back({BackupId{"running"}, day(35), std::nullopt});
    const Plan plan = made.at(40);
    CHECK(made.wal_fate(plan, 1, 33.9) == Fate::mark);
    CHECK(made.wal_fate(plan, 1, 34) == Fate::keep);
}

TEST_CASE("expire: a backup that ran for days has lost none of its first pieces as orphans", "[expire]") {
    ClusterMaker made = forty_days();
    made.object("piece/first", day(34));  // its backup announced nothing
    made.object("piece/forgotten", day(20));
    const Plan plan = made.at(40.9);
    CHECK(made.object_fate(plan, "piece/first") == Fate::keep);
    CHECK(made.object_fate(plan, "piece/forgotten") == Fate::mark);
    CHECK(made.object_fate(made.at(41), "piece/first") == Fate::mark);
}

TEST_CASE("expire: orphans stay while a backup without an index may need them", "[expire]") {
    ClusterMaker made = forty_days();
    made.object("piece/forgotten", day(20));
    made.of("b1").indexed = false;
    CHECK(made.object_fate(made.at(40), "piece/forgotten") == Fate::keep);
}

TEST_CASE("expire: a backup that was never completed goes when it is older than any backup may get",
          "[expire]") {
    ClusterMaker made = forty_days();
    made.of("b36").labelled = false;
    CHECK(made.fate(made.at(43), "b36") == Fate::keep);
    CHECK(made.fate(made.at(44), "b36") == Fate::mark);
    CHECK_THAT(made.decision(made.at(44), "b36").why, ContainsSubstring("never completed"));
}

TEST_CASE("expire: one name with two contents ends no window before it is settled", "[expire]") {
    ClusterMaker made = forty_days();
    made.file(1, 280, day(28), WalKind::segment, 8);
    CHECK(made.fate(made.at(40), "b1") == Fate::keep);
    made.cluster.settled[{1, std::uint64_t{1} << 32 | 24}] = {8};
    CHECK(made.fate(made.at(40), "b1") == Fate::mark);
    CHECK(made.fate(made.at(40), "b26") == Fate::keep);
}
