#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <string_view>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "sql/embedded.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

const std::string cluster = "7301234567890123456";
const std::string ours(32, 'a');
const std::string theirs(32, 'b');
constexpr std::int64_t mib16 = 16 << 20;

std::string wal_name(std::int64_t number, int timeline = 1) {
    char text[40];
    std::snprintf(text, sizeof text, "%08X%08X%08X", timeline, static_cast<unsigned>(number / 256),
                  static_cast<unsigned>(number % 256));
    return text;
}

/// A spool directory with nothing but a ledger in it, and a connection of its own to that.
struct Place {
    Place() {
        fs::create_directories(dir / "ledger");
        ledger = std::make_unique<Ledger>(spool, Ledger::Open::create);
        database = std::make_unique<sqlite::Database>(fs::canonical(spool.ledger()), sqlite::OpenOptions{});
        database->execute("PRAGMA synchronous = OFF");
    }
    void sql(const std::string& text) const { database->execute(text.c_str()); }
    std::int64_t number(const std::string& text) const { return database->integer(text.c_str()); }
    void segment(const std::string& name, std::int64_t size = mib16, const std::string& content = ours,
                 const std::string& time = "2026-01-01T00:00:00.000Z") const {
        sql("INSERT INTO segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at) "
            "VALUES ('" +
            cluster + "', '" + name + "', '" + content + "', '" + (name.size() == 24 ? "wal" : "history") +
            "', " + std::to_string(std::stoi(name.substr(0, 8), nullptr, 16)) + ", " + std::to_string(size) +
            ", '" + time + "')");
    }

    TempDir dir;
    SpoolPaths spool{dir.path()};
    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<sqlite::Database> database;
};

std::string runs_in(sqlite::Database& database) {
    return database.text(
        "SELECT group_concat(timeline || ':' || first || '-' || last, ' ') FROM (SELECT * FROM wal_run ORDER "
        "BY "
        "timeline, first)");
}

std::string runs(const Place& place) {
    return runs_in(*place.database);
}

std::string runs_of(const std::set<std::int64_t>& numbers) {
    std::string text;
    for (auto at = numbers.begin(); at != numbers.end();) {
        const std::int64_t first = *at;
        std::int64_t last = first;
        while (++at != numbers.end() && *at == last + 1) ++last;
        text += (text.empty() ? "1:" : " 1:") + std::to_string(first) + "-" + std::to_string(last);
    }
    return text;
}

std::vector<std::string> names(Ledger& ledger, const ListQuery& query) {
    std::vector<std::string> found;
    ledger.list(query, [&](const ListRow& row) {
        found.push_back(row.name);
        return true;
    });
    return found;
}

/// "SCAN s USING INDEX segment_in_spool": what a step of a plan reads from its beginning.
bool is_bounded(std::string_view step) {
    // Partial indexes hold what is open, not what there is.
    for (const char* index : {"segment_in_spool", "segment_waiting", "upload_pending", "conflict_open",
                              "conflict_diverges", "run_open", "backup_upload_open", "upload_error"}) {
        if (step.find(index) != std::string_view::npos) return true;
    }
    // Stores; backups, one a day; a row for each gap; constants; and what a subquery has narrowed already.
    for (const char* small : {"SCAN store", "SCAN t", "SCAN b", "SCAN backup", "SCAN k", "SCAN known",
                              "SCAN wal_run", "SCAN CONSTANT ROW", "SCAN (subquery"}) {
        if (step == small || step.starts_with(std::string(small) + " ") ||
            step.starts_with(std::string(small) + "-"))
            return true;
    }
    return !step.starts_with("SCAN");
}

}  // namespace

TEST_CASE("No statement reads a table from its beginning that grows with the archive") {
    const Place place;
    // They read one row, or as many as were asked for.
    const std::set<std::string> limited{"ledger_last_run", "list_before_last", "backup_other_cluster",
                                        "backup_newest_cluster"};
    // `walferry conflicts --all` shows them all; a rebuild reads the whole archive.
    // So does the migration that needs the names of all segments, once.
    const std::set<std::string> whole{"ledger_wal_in_order", "ledger_all_conflicts",
                                      "ledger_listed_conflicts", "ledger_set_missing_sizes"};
    for (const auto& [name, text] : sql::statements) {
        sqlite::Statement plan(*place.database, (std::string("EXPLAIN QUERY PLAN ") + text).c_str());
        while (plan.step()) {
            const std::string step = plan.text(3);
            INFO(name << ": " << step);
            CHECK((is_bounded(step) || limited.contains(name) || whole.contains(name)));
        }
    }
    for (const char* text : {sql::push_known, sql::push_spooled}) {
        sqlite::Statement plan(*place.database, (std::string("EXPLAIN QUERY PLAN ") + text).c_str());
        while (plan.step()) CHECK(is_bounded(plan.text(3)));
    }
}

TEST_CASE("Gaps are known whatever the order in which segments come, come twice and go") {
    const Place place;
    std::mt19937 random(4711);
    std::set<std::int64_t> known;
    for (int i = 0; i < 400; ++i) {
        const std::int64_t number = 200 + static_cast<std::int64_t>(random() % 120);
        if (random() % 4 == 0) {
            place.sql("DELETE FROM segment WHERE name = '" + wal_name(number) + "'");
            known.erase(number);
        } else if (known.insert(number).second) {
            place.segment(wal_name(number));
        }
        REQUIRE(runs(place) == runs_of(known));
    }
    for (std::int64_t number = 200; number < 320; ++number) {
        if (known.insert(number).second) place.segment(wal_name(number));
    }
    CHECK(place.ledger->gaps().empty());
    place.segment(wal_name(210), mib16, theirs);
    place.sql("DELETE FROM segment WHERE fingerprint = '" + theirs + "'");
    CHECK(place.ledger->gaps().empty());  // the other content is still there
    place.segment(wal_name(322));
    const auto gaps = place.ledger->gaps();
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0].after == wal_name(319));
    CHECK(gaps[0].before == wal_name(322));
    CHECK(gaps[0].missing == 2);
}

TEST_CASE("What only a listing tells of takes part in gaps as soon as its size is known") {
    const Place place;
    for (const int number : {3, 4, 7}) place.segment(wal_name(number), 0);
    place.segment("00000002.history", 0);
    CHECK(place.ledger->gaps().empty());
    CHECK(place.ledger->known_segment_size(std::stoull(cluster)) == 0);
    place.ledger->set_missing_sizes(std::stoull(cluster), mib16);
    CHECK(runs(place) == "1:3-4 1:7-7");
    CHECK(place.ledger->known_segment_size(std::stoull(cluster)) == mib16);
    place.segment("00000001000000000000000Z");  // no number at all
    CHECK(runs(place) == "1:3-4 1:7-7");
}

TEST_CASE("The counts of uploads follow every change of their state") {
    const Place place;
    const auto store = place.ledger->add_store({"a", "directory", "/a", "", ""}, wall_now());
    const auto count = [&](const std::string& state) {
        const auto counted =
            place.number("SELECT coalesce(sum(uploads), 0) FROM upload_count WHERE state = '" + state + "'");
        CHECK(counted == place.number("SELECT count(*) FROM upload WHERE state = '" + state + "'"));
        return counted;
    };
    for (int i = 1; i <= 3; ++i) {
        place.segment(wal_name(i));
        place.ledger->begin_attempt(i, store);
        place.ledger->begin_attempt(i, store);
    }
    CHECK(count("pending") == 3);
    place.sql("UPDATE upload SET state = 'stored' WHERE segment < 3");
    CHECK(count("stored") == 2);
    place.sql(
        "UPDATE upload SET state = 'verified', object_key = 'k', object_sha256 = 's', verified_at = 't'");
    CHECK(count("verified") == 3);
    CHECK(place.ledger->store_summaries().at(0).verified == 3);
    CHECK(place.ledger->store_summaries().at(0).last_verified_segment == wal_name(3));
    place.sql("UPDATE upload SET state = 'pending' WHERE segment = 3");
    CHECK(place.ledger->store_summaries().at(0).last_verified_segment == wal_name(2));
    place.sql("DELETE FROM upload WHERE segment = 2");
    CHECK(count("verified") == 1);
    CHECK(count("pending") == 1);
}

TEST_CASE("A list comes in pages, in order and once, and ends when it is told to") {
    const Place place;
    const auto store = place.ledger->add_store({"a", "directory", "/a", "", ""}, wall_now());
    place.sql("BEGIN");
    for (int i = 2500; i > 0; --i) {
        char time[32];
        std::snprintf(time, sizeof time, "2026-01-%02dT00:00:00.000Z", 1 + i / 100);
        place.segment(wal_name(i), mib16, ours, time);
    }
    place.sql("INSERT INTO upload (segment, store, state) SELECT id, " + std::to_string(store) +
              ", CASE id % 2 WHEN 0 THEN 'stored' ELSE 'pending' END FROM segment WHERE id > 100");
    place.sql("COMMIT");
    auto all = names(*place.ledger, {});
    REQUIRE(all.size() == 2500);
    CHECK(std::is_sorted(all.begin(), all.end()));
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
    CHECK(names(*place.ledger, {.state = "stored", .store = "a"}).size() == 1200);
    CHECK(names(*place.ledger, {.state = "pending", .store = {}}).size() == 1300);
    CHECK(names(*place.ledger, {.state = "verified", .store = {}}).empty());
    CHECK(names(*place.ledger, {.state = {}, .store = "b"}).empty());
    const auto prefixed = names(*place.ledger, {.state = {}, .store = {}, .name = "000000010000000000000"});
    CHECK(prefixed.size() == 255);
    CHECK(names(*place.ledger, {.state = "stored", .store = {}, .name = wal_name(1001)}).size() == 1);
    CHECK(names(*place.ledger, {.state = {}, .store = {}, .name = "00000002"}).empty());
    const auto since = names(*place.ledger, {.state = {}, .store = {}, .name = {}, .since = "2026-01-20"});
    CHECK(since.size() == 601);
    CHECK(since.front().substr(8) >= wal_name(1900).substr(8));
    const auto last = names(*place.ledger, {.state = {}, .store = {}, .name = {}, .since = {}, .last = 3});
    CHECK(last.size() == 3);
    CHECK(names(*place.ledger, {.state = {}, .store = {}, .name = {}, .since = "2027", .last = 3}).empty());
    CHECK(names(*place.ledger, {.state = {}, .store = {}, .name = {}, .since = {}, .last = 9999}).size() ==
          2500);
    int seen = 0;
    place.ledger->list({}, [&](const ListRow&) { return ++seen < 10; });
    CHECK(seen == 10);
}

/// A ledger as version 2 had it, with what `fill` puts there.
void make_old_ledger(const SpoolPaths& spool, const std::string& fill) {
    fs::create_directories(spool.ledger_directory());
    sqlite::OpenOptions creating;
    creating.create = true;
    sqlite::Database old(fs::canonical(spool.ledger_directory()) / "ledger.db", creating);
    old.execute("PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL");
    old.execute(sql::migrations_001_ledger);
    old.execute(sql::migrations_002_backup);
    old.execute((fill + "; PRAGMA user_version = 2").c_str());
}

TEST_CASE("The runs that a migration finds are those that the triggers keep") {
    const Place place;
    std::mt19937 random(4712);
    std::string fill;
    const auto add = [&](const std::string& name, std::int64_t size, const std::string& content) {
        const std::string insert =
            "INSERT OR IGNORE INTO segment (system_identifier, name, fingerprint, kind, timeline, size, "
            "spooled_at) "
            "VALUES ('" +
            cluster + "', '" + name + "', '" + content + "', 'wal', " + name.substr(7, 1) + ", " +
            std::to_string(size) + ", '2026'); ";
        place.sql(insert);
        fill += insert;
    };
    for (int i = 0; i < 300; ++i)
        add(wal_name(200 + static_cast<int>(random() % 300), 1 + static_cast<int>(random() % 2)), mib16,
            ours);
    add(wal_name(700), mib16, ours);
    add(wal_name(700), mib16, theirs);
    add(wal_name(701), 0, ours);
    add("0000000100000000000FFFFF", mib16, ours);  // no such segment of 16 MiB
    const TempDir dir;
    make_old_ledger(SpoolPaths(dir.path()), fill);
    Ledger(SpoolPaths(dir.path()), Ledger::Open::existing);
    sqlite::Database migrated(fs::canonical(dir / "ledger") / "ledger.db", sqlite::OpenOptions{});
    CHECK(runs(place).size() > 100);
    CHECK(runs_in(migrated) == runs(place));
}

TEST_CASE("A ledger of an earlier version gets its gaps and counts when it is opened") {
    const TempDir dir;
    const SpoolPaths spool{dir.path()};
    make_old_ledger(
        spool,
        "INSERT INTO store VALUES (1, 'a', 'directory', '/a', '', '', 't', NULL);"
        "INSERT INTO segment (id, system_identifier, name, fingerprint, kind, timeline, size, spooled_at)"
        " SELECT value, '1', '0000000100000000000000' || value, '0123456789abcdef0123456789abcdef', 'wal', 1,"
        " 16777216, '2026' FROM (SELECT 10 AS value UNION SELECT 11 UNION SELECT 14);"
        "INSERT INTO upload (segment, store, state) VALUES (10, 1, 'stored'), (11, 1, 'stored')");
    Ledger ledger(spool, Ledger::Open::existing);
    REQUIRE(ledger.gaps().size() == 1);
    CHECK(ledger.gaps()[0].missing == 2);
    CHECK(ledger.store_summaries().at(0).stored == 2);
    CHECK(ledger.store_summaries(1).at(0).stored == 2);
    CHECK(ledger.store_summaries(2).at(0).stored == 0);
    ledger.check();
}

TEST_CASE("Counts and positions of one cluster are told without those of another") {
    const Place place;
    const std::uint64_t before = 7301234567890123456U, after = 7301234567890123999U;
    const auto store = place.ledger->add_store({"a", "directory", "/a", "", ""}, wall_now());
    const auto add = [&](std::uint64_t of, int number, const std::string& state) {
        const auto segment =
            place.ledger->adopt(of, *WalName::parse(wal_name(number)), ours, mib16, wall_now());
        place.sql(
            "INSERT INTO upload (segment, store, state, object_key, object_sha256, verified_at) VALUES (" +
            std::to_string(segment) + ", " + std::to_string(store) + ", '" + state + "', 'k', 's', 't')");
        if (state == "verified")
            place.sql("UPDATE segment SET removed_at = 't' WHERE id = " + std::to_string(segment));
        return segment;
    };
    for (int i = 1; i <= 5; ++i) add(before, i, "verified");
    add(before, 6, "stored");
    CHECK(place.ledger->store_summaries(after).at(0).verified == 0);
    CHECK(place.ledger->store_summaries(after).at(0).pending == 0);
    CHECK_FALSE(place.ledger->store_summaries(after).at(0).last_verified_segment);
    add(after, 1, "verified");
    const auto second = add(after, 2, "pending");
    add(before, 7, "verified");  // late, and the newest of all
    REQUIRE(place.ledger->add_conflict({second, store, ours, theirs}, wall_now()));
    const StoreSummary present = place.ledger->store_summaries(after).at(0);
    CHECK(present.verified == 1);
    CHECK(present.stored == 0);
    CHECK(present.pending == 1);
    CHECK(present.pending_bytes == mib16);
    CHECK(present.conflicts == 1);
    CHECK(present.last_verified_segment == wal_name(1));
    const StoreSummary earlier = place.ledger->store_summaries(before).at(0);
    CHECK(earlier.verified == 6);
    CHECK(earlier.stored == 1);
    CHECK(earlier.pending == 1);
    CHECK(earlier.conflicts == 0);
    CHECK(earlier.last_verified_segment == wal_name(7));
    CHECK(place.ledger->store_summaries().at(0).verified == 7);
    CHECK(place.ledger->clusters() == std::vector{before, after});
    place.sql("UPDATE upload SET state = 'verified' WHERE segment = " + std::to_string(second));
    place.sql("DELETE FROM upload WHERE segment = 1");
    CHECK(place.ledger->store_summaries(after).at(0).verified == 2);
    CHECK(place.ledger->store_summaries(before).at(0).verified == 5);
}

TEST_CASE("Gaps of an earlier cluster are not the present one's") {
    const Place place;
    const auto add = [&](const char* sysid, const std::string& name) {
        place.ledger->adopt(std::stoull(sysid), *WalName::parse(name), ours, mib16, wall_now());
    };
    add("7301234567890123456", wal_name(10));
    add("7301234567890123456", wal_name(14));
    add("7301234567890123999", wal_name(20));
    add("7301234567890123999", wal_name(21));
    CHECK(place.ledger->gaps(7301234567890123999U).empty());
    REQUIRE(place.ledger->gaps(7301234567890123456U).size() == 1);
    CHECK(place.ledger->gaps(7301234567890123456U)[0].missing == 3);
    REQUIRE(place.ledger->gaps().size() == 1);
    CHECK(place.ledger->gaps()[0].system_identifier == 7301234567890123456U);
}

TEST_CASE(
    "A migration that takes long is the drain's: every other command says so at once, also while it runs") {
    const TempDir dir;
    const SpoolPaths spool{dir.path()};
    make_old_ledger(
        spool,
        "INSERT INTO segment (id, system_identifier, name, fingerprint, kind, timeline, size, spooled_at)"
        " VALUES (3000000, '1', '000000010000000000000010', '0123456789abcdef0123456789abcdef', 'wal', 1,"
        " 16777216, '2026')");
    const auto said = [&] {
        try {
            Ledger(spool, Ledger::Open::existing);
        } catch (const LedgerFormatError& error) {
            return std::string(error.what());
        }
        return std::string("nothing");
    };
    CHECK(said().find("which the next drain does") != std::string::npos);
    CHECK(said().find("3000000 segments that takes about 31 s") != std::string::npos);
    {
        sqlite::Database other(fs::canonical(spool.ledger()), sqlite::OpenOptions{});
        const sqlite::Transaction migration(other);
        const auto began = std::chrono::steady_clock::now();
        CHECK(said().find("is being brought from format") != std::string::npos);
        CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
    }
    CHECK(Ledger(spool, Ledger::Open::create).is_new() == false);
    CHECK(said() == "nothing");
}

TEST_CASE("Of the runs of years those of the last while are kept, and forgetting them never takes long") {
    const Place place;
    place.sql("INSERT INTO run (id, pid, started_at) VALUES (1, 1, 't'), (2, 1, 't')");
    place.sql(
        "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 10500) INSERT INTO run "
        "(id, pid, "
        "started_at, finished_at) SELECT i, 1, 't', 't' FROM n");
    place.ledger->begin_run(2, wall_now());
    CHECK(place.number("SELECT count(*) FROM run") == 10401);
    for (int i = 0; i < 10; ++i) place.ledger->begin_run(2, wall_now());
    CHECK(place.number("SELECT count(*) FROM run") == 10001);
}
