#include "common/spool/room.hpp"

#include <sys/mount.h>
#include <sys/statvfs.h>

#include "tests/archive-push/fixture.hpp"

using namespace walferry;
using namespace walferry::test;
using Catch::Matchers::ContainsSubstring;

namespace {

WalFile numbered(int number) {
    WalFile file;
    file.name.back() = static_cast<char>('0' + number);
    return file;
}

}  // namespace

TEST_CASE("--max-spool refuses the segment that would pass it, and takes it when there is room again",
          "[push]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    const std::vector<std::string> limit{"--max-spool", "3MiB"};
    for (int i = 1; i <= 3; ++i) CHECK(push.push(push.wal(numbered(i)), limit).exit_code == 0);
    const Outcome full = push.push(push.wal(numbered(4)), limit);
    CHECK(full.exit_code == 1);
    CHECK(is_one_line(full.err));
    CHECK_THAT(full.err, ContainsSubstring("the spool is full: 3.0 MiB wait in " + push.spool.ready() +
                                           ", 1.0 MiB more would pass --max-spool 3.0 MiB") &&
                             ContainsSubstring("nothing was dropped") && ContainsSubstring("walferry drain"));
    CHECK(push.names(push.spool.ready(sysid)).size() == 3);
    fs::remove(push.spooled(numbered(1).name));
    CHECK(push.push(push.wal(numbered(4)), limit).exit_code == 0);
}

TEST_CASE("a full spool does not refuse a segment that it holds already", "[push]") {
    const PushFixture push;
    REQUIRE(push.push(push.wal()).exit_code == 0);
    CHECK(push.push(push.wal(), {"--max-spool", "1M"}).exit_code == 0);
    CHECK(push.push(push.wal(), {"--min-free", "1024P"}).exit_code == 0);
}

TEST_CASE("--max-spool counts every cluster and every kind of file by what it really holds", "[push]") {
    const PushFixture push;
    push.dir.write("spool/ready/42/000000010000000000000001", std::string(3 << 20, 'x'));
    push.dir.write("spool/ready/42/00000002.history", std::string(1 << 20, 'x'));
    CHECK(push.push(push.wal(), {"--max-spool", "5242879"}).exit_code == 1);
    CHECK(push.push(push.wal(), {"--max-spool", "5242880"}).exit_code == 0);
    // Small files are not taken for segments.
    for (int i = 0; i < 20; ++i) {
        push.dir.write("spool/ready/43/0000000100000000000000" + std::to_string(10 + i), "small");
    }
    CHECK(push.push(push.wal(numbered(2)), {"--max-spool", "7MiB"}).exit_code == 0);
    CHECK(push.push(push.wal(numbered(3)), {"--max-spool", "7MiB"}).exit_code == 1);
}

TEST_CASE("a limit smaller than one segment refuses it even into an empty spool", "[push]") {
    const PushFixture push;
    CHECK(push.push(push.wal(), {"--max-spool", "1048575"}).exit_code == 1);
    CHECK(push.push(push.wal(), {"--max-spool", "0"}).exit_code == 1);
    CHECK(push.push(push.wal(), {"--max-spool", "1048576"}).exit_code == 0);
}

TEST_CASE("--min-free refuses what would leave less on the spool's disk, this segment counted", "[push]") {
    const PushFixture push;
    const Outcome outcome = push.push(push.wal(), {"--min-free", "1000P"});
    CHECK(outcome.exit_code == 1);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err,
               ContainsSubstring("the disk is too full") && ContainsSubstring("--min-free 1000.0 PiB"));
    CHECK(push.untouched());
    CHECK(push.push(push.wal(), {"--min-free", "1"}).exit_code == 0);

    const Directory ready = os::open_directory(push.spool.ready());
    struct statvfs found {};
    REQUIRE(::fstatvfs(ready.get(), &found) == 0);
    const std::uint64_t capacity = std::uint64_t{found.f_blocks} * found.f_frsize;
    CHECK_THROWS(check_room(ready, capacity, {std::nullopt, 1, ""}));
    CHECK_NOTHROW(check_room(ready, 0, {std::nullopt, 1, ""}));
}

TEST_CASE("a full disk is an error that PostgreSQL retries, and nothing half is left", "[push]") {
    if (::geteuid() != 0) {
        WARN("SKIPPED: mounting a small filesystem needs root");
        return;
    }
    const PushFixture push;
    const std::string mount = push.spool.ready(sysid);
    fs::create_directory(mount);
    if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=2500k,mode=2770") != 0) {
        WARN("SKIPPED: cannot mount here");
        return;
    }
    const Mounted mounted(mount);
    CHECK(push.push(push.wal(numbered(1))).exit_code == 0);
    CHECK(push.push(push.wal(numbered(2))).exit_code == 0);
    const Outcome full = push.push(push.wal(numbered(3)));
    CHECK(full.exit_code == 1);
    CHECK(is_one_line(full.err));
    CHECK_THAT(full.err, ContainsSubstring("No space left on device"));
    const Outcome late =
        push.pushing(push.wal(numbered(3))).before([] { (void)forbid({no_fallocate}); }).run();
    CHECK(late.exit_code == 1);
    CHECK(push.names(mount).size() == 2);
    fs::remove(push.spooled(numbered(1).name));
    CHECK(push.push(push.wal(numbered(3))).exit_code == 0);
}
