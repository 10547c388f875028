#include <signal.h>

#include "common/ledger/sqlite.hpp"
#include "tests/archive-push/fixture.hpp"

using namespace walferry;
using namespace walferry::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Archived all the same, with one line that says what happens next.
void check_archived_without_ledger(const PushFixture& push, const Outcome& outcome,
                                   const std::string& reason) {
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.signal == 0);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring("warning: " + WalFile{}.name +
                                              " is archived in the spool, but the ledger "
                                              "will learn of it only at the next drain"));
    CHECK_THAT(outcome.err, ContainsSubstring(reason));
    CHECK(read_file(push.spooled()) == WalFile{}.bytes());
}

VerifiedObject object_of(std::int64_t segment) {
    VerifiedObject object;
    object.segment = segment;
    object.key = "p/c/1/wal/00000001/x";
    object.size = 5;
    object.sha256 = std::string(64, 'a');
    return object;
}

}  // namespace

TEST_CASE("without a ledger a segment is archived all the same", "[push][ledger]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    fs::remove_all(push.spool.ledger_directory());
    check_archived_without_ledger(push, push.push(push.wal()), "walferry init");
    CHECK_FALSE(fs::exists(push.spool.ledger_directory()));
}

TEST_CASE("a ledger that is none is left alone, and archiving goes on", "[push][ledger]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(push.spool.ledger() + suffix);
    std::string reason = "ledger ";
    SECTION("not a database") {
        reason = "file is not a database";
        push.dir.write("spool/ledger/ledger.db", std::string(9000, 'x'));
    }
    SECTION("empty") {
        reason = "no such table";
        push.dir.write("spool/ledger/ledger.db", "");
    }
    SECTION("cut short") {
        fs::resize_file(push.spool.ledger(), 8192);
    }
    SECTION("overwritten in the middle") {
        std::string bytes = read_file(push.spool.ledger());
        for (std::size_t i = 4096; i < bytes.size(); ++i) bytes[i] = '\x5a';
        push.dir.write("spool/ledger/ledger.db", bytes);
    }
    SECTION("a directory") {
        reason = "not a regular file";
        fs::remove(push.spool.ledger());
        fs::create_directory(push.spool.ledger());
    }
    SECTION("a FIFO") {
        reason = "not a regular file";
        fs::remove(push.spool.ledger());
        REQUIRE(::mkfifo(push.spool.ledger().c_str(), 0660) == 0);
    }
    SECTION("a symbolic link to somebody else's database") {
        reason = "not a regular file";
        fs::rename(push.spool.ledger(), push.dir / "other.db");
        fs::create_symlink(push.dir / "other.db", push.spool.ledger());
    }
    SECTION("a FIFO in its write-ahead log's place") {
        reason = "not a regular file";
        REQUIRE(::mkfifo((push.spool.ledger() + "-wal").c_str(), 0660) == 0);
    }
    check_archived_without_ledger(push, push.push(push.wal()), reason);
}

TEST_CASE("a ledger of a later interface is left alone", "[push][ledger]") {
    const PushFixture push;
    sqlite::Database(push.spool.ledger(), {}).execute("UPDATE push_interface SET version = 2");
    check_archived_without_ledger(push, push.push(push.wal()), "upgrade walferry-archive-push");
}

TEST_CASE("a ledger that somebody keeps locked is waited for, and not for long", "[push][ledger]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    sqlite::Database other(push.spool.ledger(), {});
    sqlite::Transaction held(other);
    const auto start = std::chrono::steady_clock::now();
    check_archived_without_ledger(push, push.push(push.wal()), "locked");
    // Far above the two seconds of patience: this tells waiting from hanging.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}

TEST_CASE("a slow disk does not use up the patience with the ledger", "[push][ledger]") {
    if (!has_program("strace")) {
        WARN("SKIPPED: strace is not installed");
        return;
    }
    const PushFixture push;
    const Outcome outcome = push.pushing_with("fsync:delay_exit=2500000:when=3", push.wal()).run();
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
    CHECK(push.rows().size() == 1);
}

TEST_CASE("a segment that the ledger knows with other content is spooled: the drain says what it is",
          "[push][ledger]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    WalFile file;
    REQUIRE(push.push(push.wal(file)).exit_code == 0);
    fs::remove(push.spooled());  // as after a drain
    file.seed = 2;
    const Outcome outcome = push.push(push.wal(file));
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
    CHECK(read_file(push.spooled()) == file.bytes());
    CHECK(push.rows().size() == 2);
}

TEST_CASE("a segment that every store has verified is done, and not spooled again", "[push][ledger]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    REQUIRE(push.push(push.wal()).exit_code == 0);
    {
        Ledger ledger(push.spool, Ledger::Open::existing);
        const std::int64_t segment = push.rows().at(0).id;
        const std::int64_t first = ledger.add_store({"one", "directory", "/one", "", ""}, wall_now());
        const std::int64_t second = ledger.add_store({"two", "directory", "/two", "", ""}, wall_now());
        const std::vector<VerifiedObject> objects{object_of(segment)};
        for (const std::int64_t store : {first, second}) ledger.begin_put(store, objects.front(), false);
        ledger.verified(first, objects, {}, wall_now());
        fs::remove(push.spooled());
        // One store is not every store.
        CHECK(push.push(push.wal()).exit_code == 0);
        CHECK(fs::exists(push.spooled()));
        ledger.verified(second, objects, {}, wall_now());
    }
    fs::remove(push.spooled());
    const Outcome outcome = push.push(push.wal());
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
    CHECK(push.untouched());
}

TEST_CASE("a ledger file that is cut short while it is in use does not end push by a signal",
          "[push][ledger]") {
    if (!has_program("strace")) {
        WARN("SKIPPED: strace is not installed");
        return;
    }
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    // Between asking and recording, push has the ledger's index mapped; linking is delayed meanwhile.
    const Outcome outcome = push.pushing_with("fsync:delay_exit=1000000:when=3+", push.wal())
                                .meanwhile([&](pid_t) {
                                    for (int i = 0; i < 1000 && !fs::exists(push.spooled()); ++i)
                                        ::usleep(10000);
                                    (void)!::truncate((push.spool.ledger() + "-shm").c_str(), 0);
                                })
                                .run();
    check_archived_without_ledger(push, outcome, "a file was cut short while it was in use");
}
