#include <sys/stat.h>

#include "common/error.hpp"
#include "console/exit_code.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::console;
using namespace walferry::drain;
using namespace walferry::test;
namespace fs = std::filesystem;

TEST_CASE("A spooled file that no longer has its fingerprint is not uploaded and not deleted") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    h.push(DrainHarness::wal(2));
    spoil(h.file("000000010000000000000001"));
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.objects("a").size() == 1);
    CHECK(fs::exists(h.file("000000010000000000000001")));
    CHECK_FALSE(fs::exists(h.file("000000010000000000000002")));
}

TEST_CASE("A planted file that is not what its name says is reported and left alone") {
    DrainHarness h;
    WalFile foreign = DrainHarness::wal(1);
    foreign.system_identifier = 42;
    h.push_bytes(foreign.name, foreign.bytes(), false);
    h.push_bytes("000000010000000000000002", "short", false);
    fs::create_symlink("/etc/passwd", h.file("000000010000000000000003"));
    REQUIRE(::mkfifo(h.file("000000010000000000000004").c_str(), 0660) == 0);
    h.push_bytes("notes.txt", "x", false);
    h.push(DrainHarness::wal(5));
    fs::create_hard_link(h.file("000000010000000000000005"), h.file("000000010000000000000006"));
    h.push(DrainHarness::wal(7));
    const DrainResult result = h.drain();
    CHECK(result.exit_code == exit_code::integrity);
    CHECK(result.removed_segments == 1);
    CHECK(h.objects("a").size() == 1);
    for (const char* what : {"000000010000000000000001 is not what its name says", "symbolic link", "FIFO",
                             "notes.txt", "2 links"}) {
        INFO(what);
        CHECK(h.said_something_with(what));
    }
    CHECK(fs::exists(h.file(foreign.name)));
    CHECK(fs::exists(h.file("notes.txt")));
}

TEST_CASE("A segment that vanished from the spool unverified is said in every run until it is pushed again") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    fs::remove(h.file("000000010000000000000001"));
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.said_something_with("vanished"));
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.ledger().list("pending", std::nullopt).size() == 2);
    // Pushed again, it goes its way.
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.ledger().list("pending", std::nullopt).empty());
}

TEST_CASE("A removal that was cut off before its record is completed") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    {
        sqlite::Database database(fs::canonical(h.spool().ledger()), {});
        database.execute("UPDATE segment SET removed_at = NULL");
    }
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.ledger().spooled().empty());
    SECTION("and a file that came back is checked before it goes") {
        h.push(DrainHarness::wal(1), false);
        CHECK(h.drain().exit_code == exit_code::done);
        CHECK(h.spooled() == 0);
        CHECK(h.objects("a").size() == 1);
    }
}

TEST_CASE("A damaged object does not count, and a sound one takes its place beside it") {
    DrainHarness h({"a"});
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    spoil(only_object(h, "a"));
    h.push(DrainHarness::wal(1), false);
    h.settings.compression_level = 1;
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.said_something_with("damaged"));
    CHECK(h.spooled() == 0);
    CHECK(h.objects("a").size() == 2);
}

TEST_CASE("A ledger that a newer walferry wrote is left alone") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    {
        sqlite::Database database(fs::canonical(h.spool().ledger()), {});
        database.execute("PRAGMA user_version = 1000");
    }
    CHECK(kind_of([&] { h.drain(); }) == ErrorKind::ledger);
    CHECK(h.spooled() == 1);
}

TEST_CASE("A corrupt ledger stops the drain, names the way out, and loses nothing") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(h.spool().ledger() + suffix);
    std::ofstream(h.spool().ledger(), std::ios::trunc)
        << "this is not a database, it is a text of some length";
    try {
        h.drain();
        FAIL("it went through");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::ledger_corrupt);
        CHECK(error.hint().find("rebuild") != std::string::npos);
    }
    CHECK(h.spooled() == 1);
}
