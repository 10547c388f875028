#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "tests/archive-push/fixture.hpp"

using namespace walferry;
using namespace walferry::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Equals;

TEST_CASE("a source that is not a regular file is refused, naming what it is, at once", "[push]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    const std::string path = push.data + "/pg_wal/" + WalFile{}.name;
    std::string what;
    SECTION("a FIFO that nobody writes to") {
        what = "a FIFO";
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    }
    SECTION("a directory") {
        what = "a directory";
        fs::create_directory(path);
    }
    SECTION("a symbolic link to a good segment") {
        what = "a symbolic link";
        fs::create_directory(push.dir / "elsewhere");
        fs::create_symlink(WalFile{}.write(push.dir / "elsewhere"), path);
    }
    SECTION("a socket") {
        what = "a socket";
        // The path may be too long for a socket's address: bind under a short relative name.
        const Fd folder(::open((push.data + "/pg_wal").c_str(), O_RDONLY | O_DIRECTORY));
        const Fd before(::open(".", O_RDONLY | O_DIRECTORY));
        const Fd server(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, WalFile{}.name.c_str());
        REQUIRE(::fchdir(folder.get()) == 0);
        const int bound = ::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
        REQUIRE(::fchdir(before.get()) == 0);
        REQUIRE(bound == 0);
    }
    SECTION("a device") {
        what = "a character device";
        if (::mknod(path.c_str(), S_IFCHR | 0600, 0x105) != 0) {
            WARN("SKIPPED: making a device needs root");
            return;
        }
    }
    const Outcome outcome = push.push(path);
    CHECK(outcome.exit_code == 1);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring(path + " is " + what + ", not a regular file"));
    CHECK(push.untouched());
}

TEST_CASE("a missing or unreadable source is an error that PostgreSQL retries", "[push]") {
    const PushFixture push;
    const std::string path = push.data + "/pg_wal/" + WalFile{}.name;
    const Outcome missing = push.push(path);
    CHECK(missing.exit_code == 1);
    CHECK_THAT(
        missing.err,
        Equals("walferry-archive-push: cannot open " + path +
               ": No such file or directory; hint: was it removed by hand? PostgreSQL needs every segment "
               "in pg_wal until it is archived\n"));
    if (::geteuid() == 0) return;
    push.wal();
    fs::permissions(path, fs::perms::none);
    CHECK(push.push(path).exit_code == 1);
}

TEST_CASE("a path that is no WAL file's is wrong usage", "[push]") {
    const PushFixture push;
    for (const char* name :
         {"postgresql.conf", "00000001000000000000000a", "000000010000000000000001.gz", ".", ""}) {
        INFO(name);
        const Outcome outcome = push.push(push.dir.write("data/pg_wal/x", "x") + "/../" + name);
        CHECK(outcome.exit_code == 2);
        CHECK(is_one_line(outcome.err));
    }
}

TEST_CASE("a segment whose header contradicts its name is refused with what was expected and found",
          "[push]") {
    struct Row {
        const char* says;
        void (*spoil)(WalFile&);
    };
    const Row rows[] = {
        {"not marked as a long one", [](WalFile& f) { f.info = 0; }},
        {"expected 0/100000 as the name says, found 0/200000", [](WalFile& f) { f.address_shift = 1 << 20; }},
        {"timeline in the header: expected at most 1 as the name says, found 9",
         [](WalFile& f) { f.header_timeline = 9; }},
        {"expected 7301234567890123456 as this cluster has, found 7301234567890123457, another cluster's",
         [](WalFile& f) { f.system_identifier = sysid + 1; }},
        {"block size in the header", [](WalFile& f) { f.block_size = 5; }},
        {"segment size in the header", [](WalFile& f) { f.segment_size = 1 << 19; }},
    };
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    for (const Row& row : rows) {
        for (const char* suffix : {"", ".partial"}) {
            INFO(row.says << suffix);
            WalFile file;
            file.name += suffix;
            row.spoil(file);
            const Outcome outcome = push.push(push.wal(file));
            CHECK(outcome.exit_code == 3);
            CHECK(is_one_line(outcome.err));
            CHECK_THAT(outcome.err, ContainsSubstring(row.says));
            CHECK(push.untouched());
        }
    }
}

TEST_CASE("a truncated segment is refused at any length", "[push]") {
    const PushFixture push;
    const std::string whole = WalFile{}.bytes();
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{39}, std::size_t{40},
                                   std::size_t{8192}, whole.size() - 1, whole.size() + 1}) {
        INFO(size);
        std::string bytes = whole;
        bytes.resize(size);
        const Outcome outcome = push.push(push.dir.write("data/pg_wal/" + WalFile{}.name, bytes));
        CHECK(outcome.exit_code == 3);
        CHECK(is_one_line(outcome.err));
    }
    CHECK(push.untouched());
}

TEST_CASE("a segment from a newer PostgreSQL is archived with one warning", "[push]") {
    const PushFixture push;
    WalFile file;
    file.magic = 0xD1FF;
    const std::string path = push.wal(file);
    const Outcome outcome = push.push(path);
    CHECK(outcome.exit_code == 0);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring("warning: " + path + " has the unknown page magic D1FF"));
    CHECK(fs::exists(push.spooled()));
}

TEST_CASE("the system identifier comes from the option where there is no control file", "[push]") {
    const PushFixture push;
    fs::remove(push.data + "/global/pg_control");
    const std::string path = push.wal();
    const Outcome without = push.push(path);
    CHECK(without.exit_code == 2);
    CHECK(is_one_line(without.err));
    CHECK_THAT(without.err, ContainsSubstring(push.data + "/global/pg_control") &&
                                ContainsSubstring("--system-identifier"));
    CHECK(push.push(path, {"--system-identifier", std::to_string(sysid)}).exit_code == 0);
    const Outcome wrong = push.push(path, {"--system-identifier=42"});
    CHECK(wrong.exit_code == 3);
    CHECK_THAT(wrong.err, ContainsSubstring("expected 42 as this cluster has"));
}

TEST_CASE("an option that contradicts the control file is refused", "[push]") {
    const PushFixture push;
    const Outcome outcome = push.push(push.wal(), {"--system-identifier", "42"});
    CHECK(outcome.exit_code == 3);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err,
               ContainsSubstring("--system-identifier says 42") && ContainsSubstring(std::to_string(sysid)));
    CHECK(push.push(push.wal(), {"--system-identifier", std::to_string(sysid)}).exit_code == 0);
}

TEST_CASE("another cluster's segment is refused although its name fits", "[push]") {
    const PushFixture push;
    push.dir.write("other/global/pg_control", pg_control_bytes(42));
    const Outcome outcome = push.pushing(push.wal()).directory(push.dir / "other").run();
    CHECK(outcome.exit_code == 3);
    CHECK(push.names(push.spool.ready(42)).empty());
}

TEST_CASE("a history file or a label of a size that none has is refused and not read", "[push]") {
    const PushFixture push;
    const std::string path =
        push.data + "/pg_wal/" + GENERATE("00000002.history", "000000010000000000000001.00000028.backup");
    push.dir.write(fs::relative(path, push.dir.path()), "1\t0/1000000\tno recovery target specified\n");
    fs::resize_file(path, std::uintmax_t{1} << 40);  // no block of it is on the disk
    const Outcome outcome = push.push(path);
    CHECK(outcome.exit_code == 3);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err,
               ContainsSubstring(path + " is not what its name says: it has 1099511627776 bytes"));
    CHECK(push.untouched());
}
