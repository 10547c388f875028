#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "common/os/fd.hpp"
#include "console/exit_code.hpp"
#include "tests/catch.hpp"
#include "tests/forbid.hpp"
#include "tests/places.hpp"
#include "tests/process.hpp"
#include "tests/uploader/drain/harness.hpp"
#include "uploader/drain/spool_watch.hpp"

using namespace walferry;
using namespace walferry::console;
using namespace walferry::drain;
using namespace walferry::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Far more than it takes: only a test that would fail waits for it.
bool comes_true(const std::function<bool()>& wanted) {
    for (int i = 0; i < 600; ++i) {
        if (wanted()) return true;
        std::this_thread::sleep_for(50ms);
    }
    return false;
}

/// A drain that follows, in a thread of its own.
class Following {
  public:
    explicit Following(DrainHarness& harness) : harness_(harness) {
        thread_ = std::jthread([this] {
            DrainOptions options;
            options.follow = true;
            result_ = harness_.drain(options, stop_.get_token());
        });
        REQUIRE(comes_true([&] { return harness_.ledger().last_run().has_value(); }));
    }
    ~Following() { stop_.request_stop(); }
    DrainResult end() {
        stop_.request_stop();
        thread_.join();
        return result_;
    }

  private:
    DrainHarness& harness_;
    std::stop_source stop_;
    DrainResult result_;
    std::jthread thread_;
};

/// Takes connections and never answers.
class SilentServer {
  public:
    SilentServer() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
        REQUIRE(::listen(socket_.get(), 64) == 0);
        REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
        endpoint_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    const std::string& endpoint() const noexcept { return endpoint_; }

  private:
    Fd socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::string endpoint_;
};

}  // namespace

TEST_CASE("A store that hangs while it is asked what the archive holds keeps no new segment from the other") {
    DrainHarness h({"a"});
    h.push(DrainHarness::wal(1));
    REQUIRE(h.drain().exit_code == exit_code::done);
    const SilentServer server;
    StoreSettings silent;
    silent.name = "silent";
    silent.type = StoreType::s3;
    silent.endpoint = server.endpoint();
    silent.region = "us-east-1";
    silent.bucket = "bucket";
    silent.credentials_file = h.dir.path() + "/credentials";
    silent.silence_timeout = 10min;
    std::ofstream(silent.credentials_file) << "[default]\naws_access_key_id = x\naws_secret_access_key = y\n";
    ::chmod(silent.credentials_file.c_str(), 0600);
    h.settings.stores.push_back(silent);
    Following following(h);
    std::this_thread::sleep_for(500ms);  // so that, mostly, it is being asked already
    h.push(DrainHarness::wal(2));
    CHECK(comes_true([&] { return h.objects("a").size() == 2; }));
    following.end();
}

TEST_CASE("A drain that follows sends what was there, what appears, and ends well when asked to") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    Following following(h);
    CHECK(comes_true([&] { return h.spooled() == 0; }));
    for (unsigned i = 2; i <= 6; ++i) {
        h.push(DrainHarness::wal(i));
        CHECK(comes_true([&] { return h.spooled() == 0; }));
    }
    const DrainResult result = following.end();
    CHECK(result.exit_code == exit_code::done);
    CHECK(result.removed_segments == 6);
    CHECK(result.adopted_segments == 0);
    CHECK(h.objects("a").size() == 6);
    CHECK(h.objects("b").size() == 6);
    CHECK(h.ledger().last_run()->removed == 6);
}

TEST_CASE("A drain that follows meets a cluster that is new, and files the ledger does not know") {
    DrainHarness h;
    Following following(h);
    fs::create_directories(h.spool().ready(4711));
    WalFile foreign = DrainHarness::wal(1);
    foreign.system_identifier = 4711;
    h.dir.write("unfinished", foreign.bytes());
    fs::rename(h.dir / "unfinished", h.spool().segment(4711, foreign.name));
    h.push(DrainHarness::wal(2), false);
    CHECK(comes_true([&] { return h.spooled() == 0; }));
    CHECK(following.end().adopted_segments == 2);
}

TEST_CASE("A store that is away gets everything when it is back, and the other one never waits") {
    DrainHarness h;
    fs::rename(h.store_path("b"), h.store_path("away"));
    Following following(h);
    for (unsigned i = 1; i <= 8; ++i) {
        h.push(DrainHarness::wal(i));
        CHECK(comes_true([&] { return h.objects("a").size() == i; }));
    }
    CHECK(h.spooled() == 8);
    fs::rename(h.store_path("away"), h.store_path("b"));
    CHECK(comes_true([&] { return h.spooled() == 0; }));
    CHECK(following.end().exit_code == exit_code::done);
    CHECK(h.objects("a").size() == 8);
    CHECK(h.objects("b").size() == 8);
    CHECK(h.said_something_with("store b works again"));
}

TEST_CASE("A drain that follows and is stopped with something pending says that it is incomplete") {
    DrainHarness h;
    fs::rename(h.store_path("b"), h.store_path("away"));
    Following following(h);
    h.push(DrainHarness::wal(1));
    CHECK(comes_true([&] { return h.objects("a").size() == 1; }));
    const DrainResult result = following.end();
    CHECK(result.exit_code == exit_code::incomplete);
    CHECK(result.pending_segments == 1);
}

TEST_CASE("What cannot be sent does not keep a drain that follows from sending the rest") {
    DrainHarness h;
    Following following(h);
    h.push(DrainHarness::wal(1));
    CHECK(comes_true([&] { return h.spooled() == 0; }));
    WalFile other = DrainHarness::wal(2);
    other.system_identifier = 4711;
    h.push(other, false);
    h.dir.write("spool/ready/" + std::to_string(sysid) + "/notes.txt", "not a segment");
    h.push(DrainHarness::wal(3));
    CHECK(comes_true([&] { return h.objects("b").size() == 2; }));
    CHECK(following.end().exit_code == exit_code::integrity);
    CHECK(h.said_something_with("is not what its name says"));
}

TEST_CASE("A ledger that is damaged ends a drain that follows, and its message names the way out") {
    DrainHarness h;
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(h.spool().ledger() + suffix);
    h.dir.write("spool/ledger/ledger.db", "this is not a database, it is a text of some length");
    DrainOptions options;
    options.follow = true;
    CHECK(kind_of([&] { h.drain(options); }) == ErrorKind::ledger_corrupt);
}

TEST_CASE("A watch tells of files that are linked or renamed into a cluster, and of new clusters") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    SpoolWatch watch(h.spool());
    CHECK(watch.trouble().empty());
    CHECK(watch.wait(10ms, {}).names.empty());
    h.dir.write("one", "x");
    fs::create_hard_link(h.dir / "one", h.file("000000010000000000000002"));
    fs::rename(h.dir / "one", h.file("000000010000000000000003"));
    const auto seen = watch.wait(10s, {});
    REQUIRE(seen.names.size() == 2);
    CHECK(seen.names[0] == SegmentId{sysid, "000000010000000000000002"});
    CHECK_FALSE(seen.look_everywhere);
    fs::create_directory(h.spool().ready(4711));
    CHECK(watch.wait(10s, {}).look_everywhere);
    h.dir.write("spool/ready/4711/x", "y");
    CHECK(watch.wait(10s, {}).names.size() == 1);
}

TEST_CASE("A watch ends its wait when asked to stop") {
    DrainHarness h;
    SpoolWatch watch(h.spool());
    std::stop_source stop;
    const std::jthread later([&stop] {
        std::this_thread::sleep_for(50ms);
        stop.request_stop();
    });
    const auto began = std::chrono::steady_clock::now();
    watch.wait(60s, stop.get_token());
    CHECK(std::chrono::steady_clock::now() - began < 30s);
}

TEST_CASE("Where the kernel has no watches left, the spool is looked at all the same") {
    const DrainHarness h;
    std::string text =
        "cluster = \"main\"\nspool = \"" + h.settings.spool + "\"\n[encryption]\nnone = true\n";
    text += "[[store]]\nname = \"a\"\ntype = \"directory\"\npath = \"" + h.store_path("a") + "\"\n";
    const std::string configuration = h.dir.write("walferry.toml", text);
    constexpr Forbidden no_watch{__NR_inotify_add_watch, 0, 0, 0, ENOSPC};
    bool sent = false;
    const test::Outcome outcome =
        Process({program_path("walferry"), "--config", configuration, "drain", "--follow"})
            .before([&] { (void)forbid({no_watch}); })
            .meanwhile([&](pid_t child) {
                comes_true([&] { return h.ledger().last_run().has_value(); });
                h.push(DrainHarness::wal(1));
                sent = comes_true([&] { return h.spooled() == 0; });
                ::kill(child, SIGTERM);
            })
            .run();
    CHECK(sent);
    CHECK(outcome.exit_code == exit_code::done);
    CHECK(outcome.err.find("looked at every second") != std::string::npos);
}
