#include "host/spool_setup.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <tuple>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::host;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

/// Run by root, the spools of these tests are root's, which nobody is taken for without being named.
SpoolOwner caller(const SpoolPaths& spool) {
    return find_spool_owner(spool, std::to_string(::geteuid()), "");
}

}  // namespace

TEST_CASE("init makes a spool with exactly the modes it needs, whatever the umask") {
    TempDir dir;
    const mode_t before = ::umask(077);
    const SpoolPaths spool(dir / "deep/er/spool");
    set_up_spool(spool, caller(spool));
    ::umask(before);
    CHECK(mode_of(spool.root) == 02750);
    for (const std::string& path : {spool.ready(), spool.tmp(), spool.ledger_directory()})
        CHECK(mode_of(path) == 02770);
    CHECK(mode_of(spool.ledger()) == 0660);
    CHECK(mode_of(dir / "deep/er") == 0755);
}

TEST_CASE("init run again fixes modes, touches no data, and says when there was nothing to do") {
    const DrainHarness h;
    h.push(DrainHarness::wal(1));
    const std::string before = read_file(h.file("000000010000000000000001"));
    ::chmod(h.spool().ready().c_str(), 0777);
    ::chmod(h.spool().ready(sysid).c_str(), 0700);
    ::chmod(h.file("000000010000000000000001").c_str(), 0600);
    ::chmod(h.spool().ledger().c_str(), 0600);
    CHECK_FALSE(set_up_spool(h.spool(), caller(h.spool())).empty());
    CHECK(mode_of(h.spool().ready()) == 02770);
    CHECK(mode_of(h.spool().ready(sysid)) == 02770);
    CHECK(mode_of(h.file("000000010000000000000001")) == 0640);
    CHECK(mode_of(h.spool().ledger()) == 0660);
    CHECK(read_file(h.file("000000010000000000000001")) == before);
    CHECK(h.ledger().spooled().size() == 1);
    CHECK(set_up_spool(h.spool(), caller(h.spool())).empty());
}

TEST_CASE("init does not follow what a member of the group planted") {
    const DrainHarness h;
    const std::string victim = h.dir.write("victim", "secret");
    ::chmod(victim.c_str(), 0600);
    fs::create_directories(h.spool().ready(sysid));
    fs::create_symlink(victim, h.file("000000010000000000000001"));
    fs::create_hard_link(victim, h.file("000000010000000000000002"));
    fs::create_directory_symlink(h.dir.path(), h.spool().ready() + "/123");
    REQUIRE(::mkfifo(h.file("000000010000000000000003").c_str(), 0600) == 0);
    set_up_spool(h.spool(), caller(h.spool()));
    CHECK(mode_of(victim) == 0600);
    CHECK(mode_of(h.dir.path()) == 0700);
}

TEST_CASE("init gives the spool to the server's user and the shared group") {
    if (::geteuid() != 0) {
        std::cout << "skipped: giving files away needs root\n";
        return;
    }
    TempDir dir;
    const SpoolPaths spool(dir / "spool");
    set_up_spool(spool, find_spool_owner(spool, "4711", "4712"));
    for (const std::string& path :
         {spool.root, spool.ready(), spool.tmp(), spool.ledger_directory(), spool.ledger()}) {
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK(status.st_uid == 4711);
        CHECK(status.st_gid == 4712);
    }
    CHECK(mode_of(spool.root) == 02750);
    CHECK(mode_of(spool.ready()) == 02770);
}

TEST_CASE("init without names leaves a spool with whoever has it") {
    if (::geteuid() != 0) {
        std::cout << "skipped: giving files away needs root\n";
        return;
    }
    TempDir dir;
    const SpoolPaths spool(dir / "spool");
    set_up_spool(spool, find_spool_owner(spool, "4711", "4712"));
    CHECK(set_up_spool(spool, find_spool_owner(spool, "", "")).empty());
    const SpoolOwner regrouped = find_spool_owner(spool, "", "4713");
    CHECK(regrouped.user == 4711);
    CHECK(regrouped.group == 4713);
}

TEST_CASE("root is given no spool unless it is named") {
    if (::geteuid() != 0) {
        std::cout << "skipped: giving files away needs root\n";
        return;
    }
    TempDir dir;
    const SpoolPaths spool(dir / "spool");
    for (const auto& [user, group, wanted] :
         {std::tuple{"", "", "--owner USER"}, std::tuple{"", "4712", "--owner USER"},
          std::tuple{"4711", "", "--group GROUP"}}) {
        try {
            find_spool_owner(spool, user, group);
            FAIL("root's was taken");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            CHECK(error.hint().find(wanted) != std::string::npos);
        }
    }
    CHECK(find_spool_owner(spool, "root", "").user == 0);
    CHECK(find_spool_owner(spool, "4711", "4712").user == 4711);
    REQUIRE(::mkdir(spool.root.c_str(), 0755) == 0);
    CHECK_THROWS_AS(find_spool_owner(spool, "", ""), Error);
    REQUIRE(::chown(spool.root.c_str(), 4711, 4712) == 0);
    CHECK(find_spool_owner(spool, "", "").user == 4711);
    CHECK(find_spool_owner(spool, "", "").group == 4712);
}

TEST_CASE("a spool that was given to root stays no root's, and whose it was is said") {
    if (::geteuid() != 0) {
        std::cout << "skipped: giving files away needs root\n";
        return;
    }
    TempDir dir;
    const SpoolPaths spool(dir / "spool");
    set_up_spool(spool, find_spool_owner(spool, "4711", "4712"));
    REQUIRE(::chown(spool.root.c_str(), 0, 0) == 0);
    try {
        find_spool_owner(spool, "", "");
        FAIL("was taken for root's");
    } catch (const Error& error) {
        CHECK(error.hint().find("--owner 4711 --group 4712") != std::string::npos);
    }
    CHECK(find_spool_owner(spool, "0", "").user == 0);
    REQUIRE(::chown(spool.root.c_str(), 0, 4712) == 0);
    CHECK_THROWS_AS(find_spool_owner(spool, "", "4712"), Error);
    CHECK(find_spool_owner(spool, "4711", "").group == 4712);
}

TEST_CASE("init says which user or group does not exist") {
    CHECK_THROWS_AS(find_spool_owner(SpoolPaths("/nowhere"), "no-such-user", ""), Error);
    CHECK_THROWS_AS(find_spool_owner(SpoolPaths("/nowhere"), "", "no-such-group"), Error);
}
