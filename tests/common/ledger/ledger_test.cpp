#include "common/ledger/ledger.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "common/error.hpp"
#include "common/ledger/ledger_file.hpp"
#include "common/ledger/push_ledger.hpp"
#include "common/os/fd.hpp"
#include "tests/catch.hpp"
#include "tests/forbid.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;
namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t cluster = 18446744073709551615U;  // does not fit a signed integer
const std::string one = "000000010000000000000001";
const std::string ours(32, 'a');
const std::string theirs(32, 'b');

/// A spool directory with nothing but a ledger in it.
struct Place {
    Place() {
        fs::create_directories(dir / "ledger");
        Ledger(spool, Ledger::Open::create);
    }
    void sql(const char* text) const { sqlite::Database(fs::canonical(spool.ledger()), {}).execute(text); }
    std::int64_t number(const char* text) const {
        return sqlite::Database(fs::canonical(spool.ledger()), {}).integer(text);
    }

    TempDir dir;
    SpoolPaths spool{dir.path()};
};

WalName name(const std::string& text = one) {
    return *WalName::parse(text);
}

std::string ledger_error(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        CHECK((error.kind() == ErrorKind::ledger || error.kind() == ErrorKind::ledger_corrupt));
        return error.what();
    }
    return "";
}

VerifiedObject object_of(std::int64_t segment) {
    return {segment, "key", 100, std::string(64, 'c')};
}

}  // namespace

TEST_CASE("Push adds a row and never changes one") {
    const Place place;
    PushLedger push(place.spool);
    CHECK(push.ask(cluster, name(), ours) == LedgerAnswer::unknown);
    push.record(cluster, name(), ours, 7, *parse_time("2026-01-01T00:00:00.000Z"));
    push.record(cluster, name(), ours, 8, *parse_time("2027-01-01T00:00:00.000Z"));
    CHECK(push.ask(cluster, name(), ours) == LedgerAnswer::known);
    CHECK(push.ask(cluster, name(), theirs) == LedgerAnswer::other_content);
    CHECK(push.ask(cluster - 1, name(), theirs) == LedgerAnswer::unknown);
    const auto rows = Ledger(place.spool, Ledger::Open::existing).spooled();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].system_identifier == cluster);
    CHECK(rows[0].size == 7);
    CHECK(rows[0].spooled_at == "2026-01-01T00:00:00.000Z");
}

TEST_CASE("Verified everywhere means in every store that is not retired, and in one at least") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto segment = ledger.adopt(cluster, name(), ours, 7, now);
    PushLedger push(place.spool);
    CHECK_FALSE(ledger.verified_everywhere(segment));
    const auto a = ledger.add_store({"a", "directory", "/a", "", ""}, now);
    const auto b = ledger.add_store({"b", "s3", "https://b", "bucket", "p"}, now);
    ledger.begin_put(a, object_of(segment), false);
    ledger.verified(a, std::vector{object_of(segment)}, {}, now);
    CHECK_FALSE(ledger.verified_everywhere(segment));
    CHECK(push.ask(cluster, name(), ours) == LedgerAnswer::known);
    ledger.retire_store(b, now);
    CHECK(ledger.verified_everywhere(segment));
    CHECK(push.ask(cluster, name(), ours) == LedgerAnswer::verified_everywhere);
    const auto again =
        ledger.add_store({"b", "s3", "https://c", "bucket", "p"}, now);  // the name is free again
    CHECK_FALSE(ledger.verified_everywhere(segment));
    ledger.begin_put(again, object_of(segment), false);
    ledger.stored(again, object_of(segment), now);
    CHECK_FALSE(ledger.verified_everywhere(segment));
}

TEST_CASE("The schema itself refuses a verified upload that does not say what was read") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto segment = ledger.adopt(cluster, name(), ours, 7, wall_now());
    const auto store = ledger.add_store({"a", "directory", "/a", "", ""}, wall_now());
    ledger.begin_attempt(segment, store);
    CHECK_FALSE(ledger_error([&] { place.sql("UPDATE upload SET state = 'verified'"); }).empty());
    CHECK_FALSE(ledger_error([&] { place.sql("UPDATE upload SET state = 'failed'"); }).empty());
    CHECK_FALSE(ledger_error([&] {
                    place.sql(
                        "INSERT INTO store (name, type, endpoint, bucket, prefix, added_at) VALUES ('a', "
                        "'s3', '', '', '', '')");
                }).empty());
}

TEST_CASE("A failed attempt never takes back what was verified") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto segment = ledger.adopt(cluster, name(), ours, 7, now);
    const auto store = ledger.add_store({"a", "directory", "/a", "", ""}, now);
    ledger.begin_put(store, object_of(segment), false);
    ledger.verified(store, std::vector{object_of(segment)}, {}, now);
    ledger.attempt_failed(segment, store, "late answer", now);
    ledger.stored(store, object_of(segment), now);
    CHECK_FALSE(ledger.mark_lost(segment, store, "gone"));
    CHECK(ledger.uploads_of(segment).at(0).state == UploadState::verified);
    CHECK(ledger.verified_everywhere(segment));
}

TEST_CASE("Only an object that this host announced before its put can be verified") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto store = ledger.add_store({"a", "directory", "/a", "", ""}, now);
    const auto verify = [&](std::int64_t segment, const std::string& key) {
        const VerifiedObject object{segment, key, 100, std::string(64, 'c')};
        return ledger_error([&] { ledger.verified(store, std::vector{object}, {}, now); });
    };
    const std::string digest(32, 'c');
    ledger.add_listed(store, std::vector{ListedObject{cluster, name(), ours, "key", 100, digest}}, now);
    const auto segment = ledger.adopt(cluster, name(), ours, 7, now);
    CHECK_FALSE(ledger.own_put(segment, store));
    CHECK_FALSE(verify(segment, "key").empty());  // a listing showed it
    ledger.begin_put(store, object_of(segment), true);
    CHECK_FALSE(verify(segment, "another key").empty());
    CHECK_FALSE(ledger.verified_everywhere(segment));
    CHECK(ledger.own_put(segment, store)->copies == 0);
    ledger.stored(store, object_of(segment), now);
    CHECK(ledger.own_put(segment, store)->copies == 1);
    CHECK(verify(segment, "key").empty());
    CHECK(ledger.verified_everywhere(segment));
    CHECK_FALSE(ledger.own_put(segment, store));
}

TEST_CASE("A segment that comes back to the spool has to be proven again") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto store = ledger.add_store({"a", "directory", "/a", "", ""}, now);
    const auto segment = ledger.adopt(cluster, name(), ours, 7, now);
    ledger.begin_put(store, object_of(segment), false);
    ledger.verified(store, std::vector{object_of(segment)}, {}, now);
    CHECK(ledger.adopt(cluster, name(), ours, 7, now) == segment);  // it never left
    CHECK(ledger.verified_everywhere(segment));
    ledger.removed(segment, now);
    CHECK(ledger.adopt(cluster, name(), ours, 7, now) == segment);
    CHECK_FALSE(ledger.verified_everywhere(segment));
    REQUIRE(ledger.own_put(segment, store));
    CHECK(ledger.own_put(segment, store)->object.key == "key");
    CHECK(ledger.own_put(segment, store)->object.sha256 == std::string(64, 'c'));
}

TEST_CASE("A segment of which a listing told before it was spooled leaves no gap behind") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto store = ledger.add_store({"a", "directory", "/a", "", ""}, now);
    const auto number = [](std::uint64_t n) { return WalName::segment_at(1, n << 24, 1 << 24); };
    for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{3}})
        ledger.adopt(cluster, number(n), ours, 1 << 24, now);
    const std::string digest(32, 'c');
    ledger.add_listed(store, std::vector{ListedObject{cluster, number(2), ours, "key", 100, digest}}, now);
    ledger.adopt(cluster, number(2), ours, 1 << 24, now);
    CHECK(ledger.rows_of(cluster, number(2).text).at(0).size == 1 << 24);
    CHECK(ledger.gaps(cluster).empty());
}

TEST_CASE(
    "What was taken for divergence is raised when it turns out to be a conflict, unless it was settled") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto segment = ledger.adopt(cluster, name(), ours, 7, now);
    const auto store = ledger.add_store({"a", "directory", "/a", "", ""}, now);
    REQUIRE(ledger.add_conflict({segment, store, ours, theirs}, now));
    const std::int64_t id = ledger.conflicts(false).at(0).id;
    CHECK(ledger.raise_conflict(id, now));
    ledger.judge_conflict(id, Divergence{false, "0/480000, where timeline 2 began"}, now);
    CHECK(ledger.conflicts(false).empty());
    ledger.judge_conflict(id, std::nullopt, now);
    CHECK(ledger.conflicts(false).size() == 1);
    CHECK(ledger.raise_conflict(id, now));
    ledger.judge_conflict(id, Divergence{false, "0/480000, where timeline 2 began"}, now);
    CHECK(ledger.settle(cluster, name().text, now) == 1);
    ledger.judge_conflict(id, std::nullopt, now);
    CHECK(ledger.conflicts(false).empty());
    CHECK(ledger.conflicts_to_judge().empty());
    CHECK_FALSE(ledger.conflicts(true).at(0).divergence);
}

TEST_CASE("A conflict is recorded once, shown until it is settled, and kept afterwards") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto segment = ledger.adopt(cluster, name(), ours, 7, now);
    const auto store = ledger.add_store({"a", "directory", "/a", "", ""}, now);
    const NewConflict conflict{segment, store, ours, theirs};
    CHECK(ledger.verified(store, {}, std::vector{conflict}, now) == 1);
    CHECK(ledger.verified(store, {}, std::vector{conflict}, now) == 0);
    CHECK(ledger.add_conflict({segment, std::nullopt, ours, theirs}, now));
    CHECK_FALSE(ledger.add_conflict({segment, std::nullopt, ours, theirs}, now));
    CHECK(ledger.conflicts(false).size() == 2);
    CHECK(ledger.store_summaries().at(0).conflicts == 2);
    CHECK(ledger.settle(cluster, one, now) == 2);
    CHECK(ledger.conflicts(false).empty());
    CHECK(ledger.conflicts(true).size() == 2);
}

TEST_CASE("A store that came later has no backlog of what left the spool before") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto now = wall_now();
    const auto gone = ledger.adopt(cluster, name(), ours, 7, now);
    ledger.removed(gone, now);
    ledger.adopt(cluster, name("000000010000000000000002"), ours, 7, now);
    ledger.add_store({"late", "directory", "/late", "", ""}, now);
    CHECK(ledger.store_summaries().at(0).pending == 1);
    CHECK(ledger.list("pending", "late").size() == 1);
}

TEST_CASE("The view `gap` names what is missing between known segments, for each segment size") {
    const Place place;
    Ledger ledger(place.spool, Ledger::Open::existing);
    const auto add = [&](const char* text, std::uint64_t size) {
        ledger.adopt(cluster, name(text), ours, size, wall_now());
    };
    constexpr std::uint64_t mib16 = 16 << 20;
    add("0000000100000000000000FE", mib16);
    add("0000000100000000000000FF", mib16);
    add("000000010000000100000000", mib16);  // the carry between the two halves is no gap
    CHECK(place.number("SELECT count(*) FROM gap") == 0);
    add("000000010000000100000004", mib16);
    CHECK(place.number("SELECT missing FROM gap WHERE after_segment = '000000010000000100000000'") == 3);
    add("000000020000000100000009", mib16);  // another timeline
    add("00000002.history", 50);
    CHECK(place.number("SELECT count(*) FROM gap") == 1);
    add("000000030000000000000FFF", 1 << 20);  // 1 MiB segments: the low part goes up to 0xFFF
    add("000000030000000100000000", 1 << 20);
    CHECK(place.number("SELECT count(*) FROM gap") == 1);
}

TEST_CASE("Push says what is wrong with a ledger it cannot use, and within its patience") {
    const Place place;
    const auto open = [&] { PushLedger(place.spool, milliseconds(300)); };
    SECTION("missing") {
        for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(place.spool.ledger() + suffix);
        CHECK(ledger_error(open).find("No such file") != std::string::npos);
        CHECK_FALSE(fs::exists(place.spool.ledger()));
    }
    SECTION("not a database") {
        for (const char* suffix : {"-wal", "-shm"}) fs::remove(place.spool.ledger() + suffix);
        std::ofstream(place.spool.ledger(), std::ios::trunc) << std::string(5000, 'x');
        CHECK(ledger_error(open).find("rebuild") != std::string::npos);
    }
    SECTION("cut short") {
        { Ledger(place.spool, Ledger::Open::existing).adopt(cluster, name(), ours, 1, wall_now()); }
        sqlite::Database(fs::canonical(place.spool.ledger()), {}).execute("PRAGMA wal_checkpoint(TRUNCATE)");
        fs::resize_file(place.spool.ledger(), 4096);
        CHECK_FALSE(ledger_error([&] { PushLedger(place.spool).ask(cluster, name(), ours); }).empty());
    }
    SECTION("empty") {
        for (const char* suffix : {"-wal", "-shm"}) fs::remove(place.spool.ledger() + suffix);
        fs::resize_file(place.spool.ledger(), 0);
        CHECK_FALSE(ledger_error(open).empty());
        CHECK(ledger_error([&] { Ledger(place.spool, Ledger::Open::existing); }).find("empty") !=
              std::string::npos);
    }
    SECTION("an interface of another version") {
        place.sql("UPDATE push_interface SET version = 2");
        CHECK(ledger_error(open).find("version 2") != std::string::npos);
    }
    SECTION("a FIFO in its place") {
        fs::remove(place.spool.ledger());
        REQUIRE(::mkfifo(place.spool.ledger().c_str(), 0660) == 0);
        CHECK(ledger_error(open).find("not a regular file") != std::string::npos);
    }
    SECTION("a link in its place") {
        fs::rename(place.spool.ledger(), place.dir / "elsewhere.db");
        fs::create_symlink(place.dir / "elsewhere.db", place.spool.ledger());
        CHECK(ledger_error(open).find("not a regular file") != std::string::npos);
    }
    SECTION("locked") {
        sqlite::Database other(fs::canonical(place.spool.ledger()), {});
        const sqlite::Transaction writing(other);
        PushLedger push(place.spool, milliseconds(300));
        CHECK(push.ask(cluster, name(), ours) == LedgerAnswer::unknown);  // readers are not held up
        CHECK(ledger_error([&] { push.record(cluster, name(), ours, 1, wall_now()); }).find("locked") !=
              std::string::npos);
    }
    SECTION("a view that never ends") {
        PushLedger(place.spool).record(cluster, name(), ours, 1, wall_now());
        place.sql(
            "DROP VIEW push_known; CREATE VIEW push_known AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
            "SELECT i + 1 FROM n) SELECT s.system_identifier, s.name, 'y' AS fingerprint, i AS "
            "verified_everywhere FROM segment s, n");
        CHECK_FALSE(ledger_error([&] {
                        PushLedger(place.spool, milliseconds(300)).ask(cluster, name(), ours);
                    }).empty());
    }
}

TEST_CASE("A spool below a symbolic link works; the ledger's own folder must not be one") {
    const Place place;
    const std::string link = place.dir / "link";
    fs::create_directory_symlink(place.dir.path(), link);
    CHECK_NOTHROW(PushLedger(SpoolPaths(link)).ask(cluster, name(), ours));
    fs::rename(place.dir / "ledger", place.dir / "moved");
    fs::create_directory_symlink(place.dir / "moved", place.dir / "ledger");
    CHECK_FALSE(ledger_error([&] { PushLedger(place.spool).ask(cluster, name(), ours); }).empty());
}

TEST_CASE("The ledger has the mode of the spool whatever the umask, its write-ahead log too") {
    const mode_t before = ::umask(077);
    const Place place;
    PushLedger(place.spool).record(cluster, name(), ours, 1, wall_now());
    ::umask(before);
    for (const char* suffix : {"", "-wal", "-shm"}) {
        struct stat status {};
        REQUIRE(::stat((place.spool.ledger() + suffix).c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0660);
    }
}

TEST_CASE("Whoever dies while making a ledger leaves none behind that others cannot open") {
    const TempDir dir;
    const SpoolPaths spool(dir.path());
    fs::create_directory(spool.ledger_directory());
    const pid_t child = ::fork();
    if (child == 0) {
        ::umask(077);
        bool stopped = false;
        // As if it were killed there: nothing that comes later happens.
        if (forbid({{__NR_fchmod, 0, 0, 0, EPERM}})) {
            try {
                Ledger(spool, Ledger::Open::create);
            } catch (const Error&) {
                stopped = true;
            }
        }
        ::_exit(stopped ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK_FALSE(fs::exists(spool.ledger()));
    Ledger(spool, Ledger::Open::create);
    CHECK(fs::status(spool.ledger()).permissions() == static_cast<fs::perms>(spool_mode::ledger));
}

TEST_CASE("The write-ahead log stays small under many pushes") {
    const Place place;
    for (int i = 0; i < 300; ++i) {
        char text[32];
        std::snprintf(text, sizeof text, "0000000100000000%08X", i);
        PushLedger(place.spool).record(cluster, name(text), ours, 1, wall_now());
    }
    CHECK(fs::file_size(place.spool.ledger() + "-wal") < 1 << 20);
}

TEST_CASE(
    "A transaction that is not committed leaves nothing, and a killed run is told from one that ended") {
    const Place place;
    {
        sqlite::Database database(fs::canonical(place.spool.ledger()), {});
        const sqlite::Transaction transaction(database);
        database.execute("INSERT INTO run (pid, started_at) VALUES (1, 'x')");
    }
    Ledger ledger(place.spool, Ledger::Open::existing);
    CHECK_FALSE(ledger.last_run());
    const auto run = ledger.begin_run(4711, *parse_time("2026-01-01T00:00:00.000Z"));
    CHECK(ledger.open_run(4711) == "2026-01-01T00:00:00.000Z");
    CHECK_FALSE(ledger.open_run(4712));
    ledger.end_run(run, 4, 2, 1, "store b is down", wall_now());
    CHECK_FALSE(ledger.open_run(4711));
    CHECK(ledger.last_run()->exit_code == 4);
}

TEST_CASE("Two processes may make the ledger at the same time") {
    TempDir dir;
    fs::create_directories(dir / "ledger");
    std::vector<std::jthread> makers;
    std::atomic<int> failures = 0;
    for (int i = 0; i < 4; ++i) {
        makers.emplace_back([&] {
            try {
                Ledger(SpoolPaths(dir.path()), Ledger::Open::create);
            } catch (const Error&) {
                ++failures;
            }
        });
    }
    makers.clear();
    CHECK(failures == 0);
    CHECK(Ledger(SpoolPaths(dir.path()), Ledger::Open::existing).spooled().empty());
}

TEST_CASE("The log of a ledger that another process is making is not taken for an orphan") {
    TempDir dir;
    const SpoolPaths spool(dir.path());
    fs::create_directories(spool.ledger_directory());
    const Fd held(::open(spool.ledger_directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(::flock(held.get(), LOCK_EX) == 0);
    std::ofstream(spool.ledger() + "-wal") << "a log";
    std::atomic<bool> made = false;
    std::jthread second([&] {
        create_ledger_file(spool);
        made = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK_FALSE(made);
    std::ofstream(spool.ledger()) << "a ledger";
    REQUIRE(::flock(held.get(), LOCK_UN) == 0);
    second.join();
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(spool.ledger_directory()))
        files += entry.exists() ? 1 : 0;
    CHECK(files == 2);
    CHECK(fs::file_size(spool.ledger()) == 8);
}
