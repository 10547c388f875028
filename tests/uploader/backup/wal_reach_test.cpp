#include "uploader/backup/wal_reach.hpp"

#include <thread>

#include "console/exit_code.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::backup;

namespace {

std::string segment(int number) {
    return WalName::segment_at(1, static_cast<std::uint64_t>(number) << 24, 1 << 24).text;
}

}  // namespace

TEST_CASE("waiting for a backup's WAL goes on only as long as less is missing") {
    WalProgress progress(segment(5));
    CHECK_FALSE(progress.note({{"one", 3}, {"two", 3}}, ""));
    CHECK(progress.note({{"one", 2}, {"two", 3}}, ""));
    CHECK_FALSE(progress.note({{"one", 2}, {"two", 3}}, ""));
    CHECK_FALSE(progress.note({{"one", 3}, {"two", 3}}, ""));
    CHECK_FALSE(progress.note({{"one", 2}, {"two", 3}}, ""));
    CHECK(progress.note({{"one", 2}, {"two", 0}}, ""));
}

TEST_CASE("a server that archives on and on is no progress for a store that takes nothing") {
    WalProgress progress(segment(5));
    CHECK_FALSE(progress.note({{"one", 1}}, segment(3)));
    CHECK(progress.note({{"one", 1}}, segment(4)));
    CHECK(progress.note({{"one", 1}}, segment(5)));
    for (int later = 6; later < 20; ++later) CHECK_FALSE(progress.note({{"one", 1}}, segment(later)));
    CHECK_FALSE(progress.note({{"one", 1}}, "00000002.history"));
}

TEST_CASE("lines about one event are told once, whatever segment they name") {
    CHECK(event_of("store two: " + segment(7) + " was not put: timeout after 30 s") ==
          event_of("store two: " + segment(12) + " was not put: timeout after 3 s"));
    CHECK(
        event_of(
            "store two: put main/7/wal/00000001/x-e3de178.zst.age: cannot link /mnt/x-656d2ad9: No space") ==
        event_of(
            "store two: put main/7/wal/00000001/y-be191de.zst.age: cannot link /mnt/y-95c47685: No space"));
    CHECK(event_of("store two: timeout") != event_of("store one: timeout"));
    CHECK(event_of("store r2: timeout") != event_of("store r3: timeout"));
    CHECK(event_of("store two: no space") != event_of("store two: timeout"));
}

TEST_CASE("a store that did not answer once while the primary was waited for is no trouble when it answers") {
    test::DrainHarness primary({"a"});
    const test::WalFile wal = test::DrainHarness::wal(1);
    primary.push(wal);
    REQUIRE(primary.drain().exit_code == 0);
    Settings standby = primary.settings;
    standby.spool.clear();  // no ledger here
    const std::string store = primary.store_path("a");
    std::filesystem::rename(store, store + ".away");
    std::vector<std::string> said;
    console::Outcome outcome([&said](const std::string& line) { said.push_back(line); });
    BackupRecord record(standby, [](const std::string&) {});
    REQUIRE_FALSE(record.exists());
    BackupExtent extent{};
    extent.first_segment = extent.last_segment = wal.name;
    extent.segments = 1;
    drain::Progress progress(false);
    const std::jthread back([&store] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        std::filesystem::rename(store + ".away", store);
    });
    const auto missing =
        await_wal({standby, record, test::sysid, extent, {"a"}, nullptr, true, true, outcome, progress, {}});
    CHECK(missing.at("a") == 0);
    CHECK(outcome.exit_code() == console::exit_code::done);
    CHECK(said.empty());
}
