#include <sstream>

#include "tests/archive-push/fixture.hpp"

using namespace walferry;
using namespace walferry::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The system calls of one push, a line each, descriptors with their paths.
std::vector<std::string> trace(const PushFixture& push, const std::string& path,
                               const std::vector<Forbidden>& rules = {}) {
    const std::string log = push.dir / "trace";
    const Outcome outcome = Process({"strace", "-qq", "-y", "-s", "200", "-o", log, push.program, "--spool",
                                     push.spool.root, path})
                                .environment("ASAN_OPTIONS", "detect_leaks=0")
                                .before([&] { (void)forbid(rules); })
                                .run();
    CHECK(outcome.exit_code == 0);
    std::vector<std::string> lines;
    std::istringstream text(read_file(log));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

/// The first line at or after `from` that begins with `call` and holds `part`; the number of lines when none.
std::size_t find(const std::vector<std::string>& lines, const std::string& call, const std::string& part,
                 std::size_t from = 0) {
    while (from < lines.size() &&
           !(lines[from].rfind(call, 0) == 0 && lines[from].find(part) != std::string::npos)) {
        ++from;
    }
    return from;
}

std::size_t find_last(const std::vector<std::string>& lines, const std::string& call,
                      const std::string& part) {
    std::size_t found = lines.size();
    for (std::size_t at = find(lines, call, part); at < lines.size(); at = find(lines, call, part, at + 1))
        found = at;
    return found;
}

bool skip() {
    if (has_program("strace")) return false;
    WARN("SKIPPED: strace is not installed");
    return true;
}

}  // namespace

TEST_CASE("data is synced before the ledger is asked, linked after that, and recorded last",
          "[push][order]") {
    if (skip()) return;
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    const std::string name = WalFile{}.name;
    const std::string folder = push.spool.ready(sysid);
    const auto lines = trace(push, push.wal());
    const std::size_t cluster_synced = find(lines, "fsync(", "<" + push.spool.ready() + ">");
    const std::size_t last_write = find_last(lines, "pwrite64(", folder + "/#");
    const std::size_t mode = find(lines, "fchmod(", "0640");
    const std::size_t data_synced = find(lines, "fsync(", folder + "/#");
    const std::size_t asked = find(lines, "fcntl(", "ledger.db-shm", data_synced);
    const std::size_t linked = find(lines, "linkat(", "\"" + name + "\"");
    const std::size_t folder_synced = find(lines, "fsync(", "<" + folder + ">", linked);
    const std::size_t recorded = find(lines, "pwrite64(", "ledger.db-wal");
    REQUIRE(cluster_synced < lines.size());
    REQUIRE(recorded < lines.size());
    CHECK(last_write < mode);
    CHECK(mode < data_synced);
    CHECK(data_synced < asked);
    CHECK(asked < linked);
    CHECK(cluster_synced < linked);
    CHECK(linked < folder_synced);
    CHECK(folder_synced < recorded);
    CHECK(find(lines, "rename", "") == lines.size());
}

TEST_CASE("under a temporary name the order is the same, and that name is gone before a drain can meet it",
          "[push][order]") {
    if (skip()) return;
    const PushFixture push;
    const auto lines = trace(push, push.wal(), {no_unnamed_files});
    const std::size_t locked = find(lines, "flock(", "LOCK_EX");
    const std::size_t written = find(lines, "pwrite64(", push.spool.tmp());
    const std::size_t data_synced = find(lines, "fsync(", push.spool.tmp() + "/.");
    const std::size_t linked = find(lines, "linkat(", "\"" + WalFile{}.name + "\"");
    const std::size_t folder_synced = find(lines, "fsync(", "<" + push.spool.ready(sysid) + ">", linked);
    const std::size_t removed = find(lines, "unlinkat(", "");
    REQUIRE(removed < lines.size());
    CHECK(locked < written);
    CHECK(written < data_synced);
    CHECK(data_synced < linked);
    CHECK(linked < removed);
    CHECK(removed < folder_synced);
}

TEST_CASE("a file that is there already is synced, and its folder too, before it counts", "[push][order]") {
    if (skip()) return;
    const PushFixture push;
    REQUIRE(push.push(push.wal()).exit_code == 0);
    const auto lines = trace(push, push.wal());
    const std::size_t file_synced = find(lines, "fsync(", "<" + push.spooled() + ">");
    const std::size_t folder_synced = find(lines, "fsync(", "<" + push.spool.ready(sysid) + ">");
    REQUIRE(folder_synced < lines.size());
    CHECK(file_synced < folder_synced);
    CHECK(folder_synced < find(lines, "openat(", "ledger.db"));
    CHECK(find(lines, "linkat(", "") == lines.size());
}

TEST_CASE("the cluster's folder is synced into the spool also when whoever made it died", "[push][order]") {
    if (skip()) return;
    const PushFixture push;
    fs::create_directory(push.spool.ready(sysid));
    const auto lines = trace(push, push.wal());
    const std::size_t cluster_synced = find(lines, "fsync(", "<" + push.spool.ready() + ">");
    CHECK(cluster_synced < find(lines, "linkat(", "\"" + WalFile{}.name + "\""));
}

TEST_CASE("a sync that fails is a failure, wherever it happens", "[push][order]") {
    if (skip()) return;
    // 1: the cluster's folder, 2: the data, 3: the entry.
    for (const char* when : {"1", "2", "3"}) {
        INFO("fsync number " << when);
        const PushFixture push;
        const Outcome outcome =
            push.pushing_with(std::string("fsync:error=EIO:when=") + when, push.wal()).run();
        CHECK(outcome.exit_code == 1);
        CHECK(is_one_line(outcome.err));
        CHECK_THAT(outcome.err, ContainsSubstring("Input/output error"));
        CHECK(push.names(push.spool.ready(sysid)).empty() == (*when != '3'));
        CHECK(push.rows().empty());
        CHECK(push.push(push.wal()).exit_code == 0);
        CHECK(push.rows().size() == 1);
    }
}

TEST_CASE("interrupted system calls are made again", "[push][order]") {
    if (skip()) return;
    if (!program_is_static) {
        WARN("SKIPPED: the loader of shared libraries does not bear it");
        return;
    }
    const PushFixture push;
    WalFile file;
    file.segment_size = 4 << 20;
    const Outcome outcome =
        push.pushing_with("pwrite64,pread64,fsync,fallocate:error=EINTR:when=1+2", push.wal(file)).run();
    CHECK(outcome.exit_code == 0);
    CHECK(read_file(push.spooled()) == file.bytes());
}

TEST_CASE("when linking the finished file fails after all, it is written out under a temporary name",
          "[push][order]") {
    if (skip()) return;
    const PushFixture push;
    const char* error = GENERATE("ENOENT", "EPERM", "EOPNOTSUPP", "EXDEV");
    const Outcome outcome =
        push.pushing_with(std::string("linkat:error=") + error + ":when=2", push.wal()).run();
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
    CHECK(read_file(push.spooled()) == WalFile{}.bytes());
    CHECK(push.names(push.spool.tmp()).empty());
}

TEST_CASE("a file of that name that appears at the last moment is compared, not replaced", "[push][order]") {
    if (skip()) return;
    const PushFixture push;
    const bool same = GENERATE(true, false);
    WalFile other;
    other.seed = same ? 1 : 2;
    push.dir.write("other", other.bytes());
    const Outcome outcome = push.pushing_with("fsync:delay_exit=700000:when=2", push.wal())
                                .meanwhile([&](pid_t) {
                                    for (int i = 0; i < 1000 && !fs::exists(push.spool.ready(sysid)); ++i)
                                        ::usleep(10000);
                                    ::usleep(100000);
                                    fs::rename(push.dir / "other", push.spooled());
                                })
                                .run();
    CHECK(outcome.exit_code == 0);
    CHECK(read_file(push.spooled()) == other.bytes());
    // Another content is spooled beside it.
    CHECK(push.names(push.spool.ready(sysid)).size() == (same ? 1 : 2));
}

TEST_CASE("a source that changes while it is read is not archived, and does not end push by a signal",
          "[push][order]") {
    if (skip()) return;
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    const std::string path = push.wal();
    std::function<void()> change;
    std::string says = "changed while it was read";
    SECTION("it grows") {
        change = [&] { fs::resize_file(path, (1 << 20) + 1); };
    }
    SECTION("it is written again") {
        change = [&] { push.wal(); };
    }
    SECTION("it is cut short") {
        change = [&] { fs::resize_file(path, 4096); };
        says = "was cut short while it was read";
    }
    // Under a temporary name the copy's progress can be watched; after its first step it is held up.
    const auto begun = [&] {
        for (const std::string& name : push.names(push.spool.tmp())) {
            if (fs::file_size(push.spool.tmp() + "/" + name) > 0) return true;
        }
        return false;
    };
    const Outcome outcome = push.pushing_with("pwrite64:delay_exit=1500000:when=1", path)
                                .before([] {
                                    (void)forbid({no_unnamed_files, no_fallocate, no_clone});
                                })
                                .meanwhile([&](pid_t) {
                                    for (int i = 0; i < 2000 && !begun(); ++i) ::usleep(5000);
                                    change();
                                })
                                .run();
    CHECK(outcome.exit_code == 1);
    CHECK(is_one_line(outcome.err));
    CHECK_THAT(outcome.err, ContainsSubstring(path + " " + says));
    CHECK(push.untouched());
}
