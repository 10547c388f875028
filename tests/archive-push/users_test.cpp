#include <grp.h>

#include <fstream>

#include "common/wal/fingerprint.hpp"
#include "tests/archive-push/fixture.hpp"

using namespace walferry;
using namespace walferry::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// Numbers that need no accounts: who they are does not matter, only that they are different.
constexpr uid_t server = 50001;
constexpr gid_t server_group = 50001;
constexpr gid_t spool_group = 50002;
constexpr uid_t stranger = 50003;

bool skip() {
    if (::geteuid() == 0) return false;
    WARN("SKIPPED: being another user needs root");
    return true;
}

std::function<void()> become(uid_t user, gid_t group, const std::vector<gid_t>& groups = {}) {
    return [=] {
        if (::setgroups(groups.size(), groups.data()) != 0 || ::setgid(group) != 0 || ::setuid(user) != 0) {
            ::_exit(125);
        }
    };
}

/// Owned as `walferry init` leaves it: the spool server:spool_group, the ledger's files the uploader's.
void hand_over(const PushFixture& push) {
    fs::permissions(push.dir.path(), fs::perms(0755));
    for (const std::string& path :
         {push.spool.root, push.spool.ready(), push.spool.tmp(), push.spool.ledger_directory()}) {
        REQUIRE(::chown(path.c_str(), server, spool_group) == 0);
        REQUIRE(::chmod(path.c_str(), path == push.spool.root ? 02750 : 02770) == 0);
    }
    for (const auto& entry : fs::directory_iterator(push.spool.ledger_directory())) {
        REQUIRE(::chown(entry.path().c_str(), stranger, spool_group) == 0);
        REQUIRE(::chmod(entry.path().c_str(), 0660) == 0);
    }
    REQUIRE(::chown(push.wal().c_str(), server, server_group) == 0);
    REQUIRE(::chmod((push.data + "/pg_wal/" + WalFile{}.name).c_str(), 0600) == 0);
}

/// A directory with nothing but the program and what it works on: no /proc, no /dev, no libraries.
void fill_chroot(const PushFixture& push) {
    fs::copy_file(push.program, push.dir / "push");
    fs::permissions(push.dir / "push", fs::perms(0755));
}

}  // namespace

TEST_CASE("a server that is not yet in the spool's group archives, and says that the ledger must wait",
          "[push][users]") {
    if (skip()) return;
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    hand_over(push);
    const auto rules = GENERATE(std::vector<Forbidden>{}, std::vector<Forbidden>{no_unnamed_files});
    const Outcome outcome = push.pushing(push.data + "/pg_wal/" + WalFile{}.name)
                                .before(become(server, server_group))
                                .before([] { ::umask(0077); })
                                .before([&] { (void)forbid(rules); })
                                .run();
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err,
               ContainsSubstring("is archived in the spool, but the ledger will learn of it only at the next "
                                 "drain") &&
                   ContainsSubstring("group"));
    struct stat found {};
    REQUIRE(::stat(push.spooled().c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0640);
    CHECK(found.st_uid == server);
    // The group right comes from the directory: whoever drains can read it and remove it.
    CHECK(found.st_gid == spool_group);
    REQUIRE(::stat(push.spool.ready(sysid).c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 02770);
    CHECK(found.st_gid == spool_group);
}

TEST_CASE("a server in the spool's group archives and records", "[push][users]") {
    if (skip()) return;
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    hand_over(push);
    const Outcome outcome = push.pushing(push.data + "/pg_wal/" + WalFile{}.name)
                                .before(become(server, server_group, {spool_group}))
                                .run();
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
    CHECK(push.rows().size() == 1);
}

TEST_CASE("another user of the group can read a spooled segment and remove it, a stranger neither",
          "[push][users]") {
    if (skip()) return;
    const PushFixture push;
    hand_over(push);
    REQUIRE(push.pushing(push.data + "/pg_wal/" + WalFile{}.name)
                .before(become(server, server_group))
                .before([] { ::umask(0077); })
                .run()
                .exit_code == 0);
    const std::string file = push.spooled();
    const auto as = [&](std::vector<std::string> command, const std::function<void()>& who) {
        return Process(std::move(command)).before(who).run().exit_code;
    };
    CHECK(as({"cat", file}, become(stranger, stranger)) != 0);
    CHECK(as({"rm", "-f", file}, become(stranger, stranger)) != 0);
    CHECK(fs::exists(file));
    CHECK(as({"cat", file}, become(stranger, stranger, {spool_group})) == 0);
    CHECK(as({"rm", file}, become(stranger, stranger, {spool_group})) == 0);
}

TEST_CASE("a stranger cannot push into the spool", "[push][users]") {
    if (skip()) return;
    const PushFixture push;
    hand_over(push);
    REQUIRE(::chmod((push.data + "/pg_wal/" + WalFile{}.name).c_str(), 0644) == 0);
    const Outcome outcome =
        push.pushing(push.data + "/pg_wal/" + WalFile{}.name).before(become(stranger, stranger)).run();
    CHECK(outcome.exit_code == 1);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring("Permission denied"));
    CHECK(push.untouched());
}

TEST_CASE("a ledger whose files may only be read, or whose folder may not be written, must wait",
          "[push][users]") {
    if (skip()) return;
    const PushFixture push;
    hand_over(push);
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(push.spool.ledger() + suffix);
    const bool folder = GENERATE(true, false);
    const std::string what = folder ? push.spool.ledger_directory() : push.spool.ledger();
    REQUIRE(::chown(what.c_str(), stranger, spool_group) == 0);
    REQUIRE(::chmod(what.c_str(), folder ? 0750 : 0640) == 0);
    const Outcome outcome = push.pushing(push.data + "/pg_wal/" + WalFile{}.name)
                                .before(become(server, server_group, {spool_group}))
                                .run();
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring("ledger will learn of it"));
    CHECK(fs::exists(push.spooled()));
}

TEST_CASE("the installed program needs no libraries, no /proc and no /dev", "[push][users]") {
    if (!program_is_static) {
        WARN("SKIPPED: with sanitizers the program is not static");
        return;
    }
    if (skip()) return;
    const PushFixture push;
    fill_chroot(push);
    push.wal();
    const auto rules = GENERATE(std::vector<Forbidden>{}, std::vector<Forbidden>{no_link_by_descriptor});
    const auto enter = [&] {
        if (::chroot(push.dir.path().c_str()) != 0 || ::chdir("/data") != 0) ::_exit(125);
        (void)forbid(rules);
    };
    const Outcome outcome =
        Process({"/push", "--spool", "/spool", "pg_wal/" + WalFile{}.name}).before(enter).run();
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
    CHECK(read_file(push.spooled()) == WalFile{}.bytes());
    CHECK(push.names(push.spool.tmp()).empty());
    CHECK(push.rows().size() == 1);
    const Outcome again =
        Process({"/push", "--spool", "/spool", "pg_wal/" + WalFile{}.name}).before(enter).run();
    CHECK(again.exit_code == 0);
}

TEST_CASE("a spool in memory, or on a filesystem that clones, archives like any other", "[push][users]") {
    if (skip()) return;
    const std::string type = GENERATE("tmpfs", "xfs", "btrfs");
    const PushFixture push;
    const std::string mount = push.dir / "mount";
    fs::create_directory(mount);
    std::string command = "mount -t tmpfs tmpfs " + mount;
    if (type != "tmpfs") {
        if (!has_program("mkfs." + type)) {
            WARN("SKIPPED: mkfs." << type << " is not installed");
            return;
        }
        command = "truncate -s 400M " + push.dir / "image && mkfs." + type + " -q " + push.dir / "image && " +
                  "mount -o loop " + push.dir / "image " + mount;
    }
    if (Process({"sh", "-c", command}).run().exit_code != 0) {
        WARN("SKIPPED: cannot mount " << type << " here");
        return;
    }
    const Mounted mounted(mount);
    const std::string move = "cp -a " + push.spool.root + " " + push.data + " " + mount;
    CHECK(Process({"sh", "-c", move}).run().exit_code == 0);
    const SpoolPaths spool(mount + "/spool");
    WalFile file;
    file.segment_size = 4 << 20;
    file.write(mount + "/data/pg_wal");
    for (int i = 0; i < 2; ++i) {
        const Outcome outcome =
            Process({push.program, "--spool", spool.root, mount + "/data/pg_wal/" + file.name}).run();
        CHECK(outcome.err.empty());
        CHECK(outcome.exit_code == 0);
    }
    CHECK(read_file(spool.segment(sysid, file.name)) == file.bytes());
    CHECK(mode_of(spool.segment(sysid, file.name)) == 0640);
    file.seed = 2;
    file.write(mount + "/data/pg_wal");
    CHECK(
        Process({push.program, "--spool", spool.root, mount + "/data/pg_wal/" + file.name}).run().exit_code ==
        0);
    Fingerprint second;
    second.update(as_bytes(file.bytes()));
    CHECK(read_file(spool.segment(sysid, file.name + "-" + second.digits())) == file.bytes());
}
