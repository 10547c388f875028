#include <fcntl.h>
#include <sys/resource.h>

#include <csignal>

#include "common/wal/fingerprint.hpp"
#include "tests/archive-push/fixture.hpp"

using namespace walferry;
using namespace walferry::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string digits_of(const std::string& bytes) {
    Fingerprint fingerprint;
    fingerprint.update(as_bytes(bytes));
    return fingerprint.digits();
}

}  // namespace

TEST_CASE("a segment is archived: whole, mode 0640, recorded, and without a word", "[push]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    const WalFile file;
    const Outcome outcome = push.push(push.wal(file));
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
    CHECK(outcome.out.empty());
    CHECK(read_file(push.spooled()) == file.bytes());
    CHECK(mode_of(push.spooled()) == 0640);
    CHECK(mode_of(push.spool.ready(sysid)) == 02770);
    CHECK(push.names(push.spool.tmp()).empty());
    const auto rows = push.rows();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].size == file.segment_size);
    Fingerprint fingerprint;
    fingerprint.update(as_bytes(file.bytes()));
    CHECK(rows[0].fingerprint == fingerprint.digits());
    CHECK_FALSE(rows[0].removed_at);
}

TEST_CASE("every kind of WAL file is archived under its own name", "[push]") {
    const PushFixture push;
    WalFile partial;
    partial.name = "000000010000000000000001.partial";
    push.dir.write("data/pg_wal/00000002.history", "1\t0/3000000\tno recovery target specified\n");
    push.dir.write("data/pg_wal/000000010000000000000001.00000028.backup", "START WAL LOCATION: 0/1000028\n");
    push.dir.write("data/pg_wal/00000003.history", "");
    CHECK(push.push(push.wal()).exit_code == 0);
    CHECK(push.push(push.wal(partial)).exit_code == 0);
    for (const char* name :
         {"00000002.history", "00000003.history", "000000010000000000000001.00000028.backup"}) {
        CHECK(push.push(push.data + "/pg_wal/" + name).exit_code == 0);
        CHECK(push.rows(name).size() == 1);
    }
    CHECK(push.names(push.spool.ready(sysid)).size() == 5);
}

TEST_CASE("segments of 1, 16 and 64 MiB are archived", "[push]") {
    const PushFixture push;
    WalFile file;
    file.segment_size = GENERATE(1U << 20, 16U << 20, 64U << 20);
    CHECK(push.push(push.wal(file)).exit_code == 0);
    CHECK(read_file(push.spooled()) == file.bytes());
}

TEST_CASE("as PostgreSQL calls it: a relative path, from the data directory", "[push]") {
    const PushFixture push;
    push.wal();
    const Outcome outcome = push.pushing("pg_wal/" + WalFile{}.name).directory(push.data).run();
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
    CHECK(fs::exists(push.spooled()));
}

TEST_CASE("the spool is found through $WALFERRY_SPOOL when no option names it", "[push]") {
    const PushFixture push;
    const Outcome outcome =
        Process({push.program, push.wal()}).environment("WALFERRY_SPOOL", push.spool.root + "/").run();
    CHECK(outcome.exit_code == 0);
    CHECK(fs::exists(push.spooled()));
}

TEST_CASE("a pg_wal that is a symbolic link to another place changes nothing", "[push]") {
    const PushFixture push;
    fs::create_directories(push.dir / "elsewhere/wal");
    fs::remove(push.data + "/pg_wal");
    fs::create_directory_symlink(push.dir / "elsewhere/wal", push.data + "/pg_wal");
    const Outcome outcome = push.push(push.wal());
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
}

TEST_CASE("modes are right whatever the caller's umask", "[push]") {
    const PushFixture push;
    const mode_t mask = GENERATE(mode_t{0077}, mode_t{0777}, mode_t{0});
    const auto umask = [mask] { ::umask(mask); };
    CHECK(push.pushing(push.wal()).before(umask).run().exit_code == 0);
    CHECK(mode_of(push.spooled()) == 0640);
    CHECK(mode_of(push.spool.ready(sysid)) == 02770);
}

TEST_CASE("pushing the same segment again is success and changes nothing", "[push]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    REQUIRE(push.push(push.wal()).exit_code == 0);
    struct stat before {};
    REQUIRE(::stat(push.spooled().c_str(), &before) == 0);
    const Outcome outcome = push.push(push.wal());
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
    struct stat after {};
    REQUIRE(::stat(push.spooled().c_str(), &after) == 0);
    CHECK(after.st_ino == before.st_ino);
    CHECK(push.rows().size() == 1);
}

TEST_CASE("a segment that an earlier push could not record is recorded by the next", "[push]") {
    const PushFixture push;
    REQUIRE(push.push(push.wal()).exit_code == 0);
    for (const auto& entry : fs::directory_iterator(push.spool.ledger_directory())) fs::remove(entry.path());
    Ledger(push.spool, Ledger::Open::create);
    REQUIRE(push.rows().empty());
    CHECK(push.push(push.wal()).exit_code == 0);
    CHECK(push.rows().size() == 1);
}

TEST_CASE("the same name with other content in the spool is spooled beside it, as often as it is pushed",
          "[push]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    WalFile file;
    REQUIRE(push.push(push.wal(file)).exit_code == 0);
    const std::string first = file.bytes();
    file.seed = 2;
    const std::string second = push.spooled() + "-" + digits_of(file.bytes());
    for (int again = 0; again < 2; ++again) {
        const Outcome outcome = push.push(push.wal(file));
        CHECK(outcome.exit_code == 0);
        CHECK(outcome.err.empty());
        CHECK(read_file(push.spooled()) == first);
        CHECK(read_file(second) == file.bytes());
        CHECK(push.rows().size() == 2);
    }
    file.seed = 3;
    CHECK(push.push(push.wal(file)).exit_code == 0);
    CHECK(push.rows().size() == 3);
}

TEST_CASE("a second content that is damaged in the spool is refused", "[push]") {
    const PushFixture push;
    WalFile file;
    REQUIRE(push.push(push.wal(file)).exit_code == 0);
    file.seed = 2;
    const std::string second = file.name + "-" + digits_of(file.bytes());
    push.dir.write("spool/ready/" + std::to_string(sysid) + "/" + second, "other bytes");
    const Outcome outcome = push.push(push.wal(file));
    CHECK(outcome.exit_code == 3);
    CHECK_THAT(outcome.err, ContainsSubstring(second + " has the same name and other content"));
}

TEST_CASE("content that differs in its last byte or only in length is other content", "[push]") {
    const PushFixture push;
    const std::string path = push.data + "/pg_wal/00000002.history";
    const std::string stored = std::string(600000, 'a');
    push.dir.write("spool/ready/" + std::to_string(sysid) + "/00000002.history", stored);
    for (const std::string& other : {stored.substr(1), stored + "a", stored.substr(1) + "b", std::string()}) {
        push.dir.write("data/pg_wal/00000002.history", other);
        CHECK(push.push(path).exit_code == 0);
    }
    push.dir.write("data/pg_wal/00000002.history", stored);
    CHECK(push.push(path).exit_code == 0);
    CHECK(push.names(push.spool.ready(sysid)).size() == 5);
}

TEST_CASE("something planted in the segment's place is named and refused", "[push]") {
    const PushFixture push;
    fs::create_directories(push.spool.ready(sysid));
    std::string what;
    SECTION("a symbolic link to the very same content") {
        what = "a symbolic link";
        fs::copy_file(push.wal(), push.dir / "copy");
        fs::create_symlink(push.dir / "copy", push.spooled());
    }
    SECTION("a symbolic link that leads nowhere") {
        what = "a symbolic link";
        fs::create_symlink(push.dir / "nowhere", push.spooled());
    }
    SECTION("a FIFO") {
        what = "a FIFO";
        REQUIRE(::mkfifo(push.spooled().c_str(), 0660) == 0);
    }
    SECTION("a directory") {
        what = "a directory";
        fs::create_directory(push.spooled());
    }
    const Outcome outcome = push.push(push.wal());
    CHECK(outcome.exit_code == 3);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring(push.spooled() + " is " + what));
    CHECK_FALSE(fs::exists(push.dir / "nowhere"));
}

TEST_CASE("a cluster's folder that is no folder is an error, not followed", "[push]") {
    const PushFixture push;
    fs::create_directory(push.dir / "trap");
    fs::create_directory_symlink(push.dir / "trap", push.spool.ready(sysid));
    const Outcome outcome = push.push(push.wal());
    CHECK(outcome.exit_code == 1);
    CHECK(is_one_line(outcome.err));
    CHECK(push.names(push.dir / "trap").empty());
}

TEST_CASE("kernels and filesystems without this or that archive all the same", "[push]") {
    struct Row {
        const char* what;
        std::vector<Forbidden> rules;
    };
    const Row rows[] = {
        {"no unnamed files", {no_unnamed_files}},
        {"no linking by descriptor", {no_link_by_descriptor}},
        {"neither that nor /proc", {no_link_by_descriptor, no_link_by_proc}},
        {"no hard links", {no_unnamed_files, no_links}},
        {"no fallocate, no cloning", {no_fallocate, no_clone}},
    };
    for (const char* program : {"walferry-archive-push", "walferry-archive-push-dynamic"}) {
        for (const Row& row : rows) {
            INFO(program << ", " << row.what);
            const PushFixture push(program);
            const Outcome outcome = push.pushing(push.wal()).before([&] { (void)forbid(row.rules); }).run();
            CHECK(outcome.err.empty());
            CHECK(outcome.exit_code == 0);
            CHECK(read_file(push.spooled()) == WalFile{}.bytes());
            CHECK(mode_of(push.spooled()) == 0640);
            CHECK(fs::hard_link_count(push.spooled()) == 1);
            CHECK(push.names(push.spool.tmp()).empty());
            CHECK(push.push(push.wal()).exit_code == 0);
        }
    }
}

TEST_CASE("a source on a filesystem that cannot map files is read instead", "[push]") {
    if (!program_is_static) {
        WARN("SKIPPED: with sanitizers the program is not static");
        return;
    }
    const PushFixture push;
    WalFile file;
    file.segment_size = 4 << 20;
    const Outcome outcome = push.pushing(push.wal(file)).before([] { (void)forbid({no_mapping}); }).run();
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
    CHECK(read_file(push.spooled()) == file.bytes());
    REQUIRE(push.rows().size() == 1);
    const std::string fingerprint = push.rows()[0].fingerprint;
    fs::remove(push.spooled());
    fs::remove_all(push.spool.ledger_directory());
    fs::create_directory(push.spool.ledger_directory());
    Ledger(push.spool, Ledger::Open::create);
    CHECK(push.push(push.wal(file)).exit_code == 0);
    CHECK(push.rows().at(0).fingerprint == fingerprint);
}

TEST_CASE("a spool without tmp archives through unnamed files, and says what is missing where it cannot",
          "[push]") {
    const PushFixture push;
    fs::remove(push.spool.tmp());
    WalFile second;
    second.name = "000000010000000000000002";
    CHECK(push.push(push.wal()).exit_code == 0);
    const Outcome outcome =
        push.pushing(push.wal(second)).before([] { (void)forbid({no_unnamed_files}); }).run();
    CHECK(outcome.exit_code == 1);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring(push.spool.tmp()) && ContainsSubstring("walferry init"));
}

TEST_CASE("what a killed push left in tmp is removed by the next", "[push]") {
    const PushFixture push;
    if (!has_program("strace")) {
        WARN("SKIPPED: strace is not installed");
        return;
    }
    const Outcome killed = push.pushing_with("fsync:signal=SIGKILL:when=2+", push.wal())
                               .before([] { (void)forbid({no_unnamed_files}); })
                               .run();
    CHECK(killed.exit_code != 0);
    REQUIRE(push.names(push.spool.tmp()).size() == 1);
    CHECK(push.names(push.spool.ready(sysid)).empty());
    CHECK(push.push(push.wal()).exit_code == 0);
    CHECK(push.names(push.spool.tmp()).empty());
    CHECK(read_file(push.spooled()) == WalFile{}.bytes());
}

TEST_CASE("a limit on file sizes is an error, not a signal, and leaves nothing behind", "[push]") {
    const PushFixture push;
    const bool named = GENERATE(false, true);
    const Outcome outcome = push.pushing(push.wal())
                                .before([named] {
                                    if (named) (void)forbid({no_unnamed_files, no_fallocate});
                                    const rlimit limit{700000, 700000};
                                    ::setrlimit(RLIMIT_FSIZE, &limit);
                                })
                                .run();
    CHECK(outcome.exit_code == 1);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring("File too large"));
    CHECK(push.untouched());
}

TEST_CASE("with standard descriptors closed no message ever ends up in a segment", "[push]") {
    const PushFixture push;
    const auto close_all = [] {
        for (int fd = 0; fd < 3; ++fd) ::close(fd);
    };
    WalFile strange;
    strange.magic = 0xD1FF;  // has something to say
    CHECK(push.pushing(push.wal(strange)).before(close_all).run().exit_code == 0);
    CHECK(read_file(push.spooled()) == strange.bytes());
    strange.address_shift = 1 << 20;  // is refused, and has to say so
    CHECK(push.pushing(push.wal(strange)).before(close_all).run().exit_code == 3);
}

TEST_CASE("a reader of its messages that went away does not end it by a signal", "[push]") {
    const PushFixture push;
    const Outcome outcome = push.pushing(push.data + "/pg_wal/000000010000000000000009")
                                .before([] {
                                    int ends[2];
                                    (void)!::pipe(ends);
                                    ::close(ends[0]);
                                    ::dup2(ends[1], STDERR_FILENO);
                                })
                                .run();
    CHECK(outcome.exit_code == 1);
}
