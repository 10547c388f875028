#include <filesystem>

#include "common/ledger/ledger.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;

TEST_CASE("A gap at a fork keeps the time at which it was first seen, store by store, until it is closed") {
    const test::TempDir dir;
    std::filesystem::create_directories(dir / "ledger");
    Ledger ledger(SpoolPaths(dir.path()), Ledger::Open::create);
    const auto one = ledger.add_store({"one", "directory", "/srv/one", "", ""}, wall_now());
    const auto two = ledger.add_store({"two", "directory", "/srv/two", "", ""}, wall_now());
    using Since = std::map<std::string, std::string>;
    const std::string second = "000000020000000000000007", third = "000000030000000000000009";

    CHECK(ledger.note_fork_gaps(one, 1, {second}, "10:00") == Since{{second, "10:00"}});
    CHECK(ledger.note_fork_gaps(one, 1, {second, third}, "10:05") ==
          Since{{second, "10:00"}, {third, "10:05"}});
    // Another store and another cluster have times of their own.
    CHECK(ledger.note_fork_gaps(two, 1, {second}, "10:06") == Since{{second, "10:06"}});
    CHECK(ledger.note_fork_gaps(one, 2, {second}, "10:07") == Since{{second, "10:07"}});
    // One that was closed begins again when it is seen again.
    CHECK(ledger.note_fork_gaps(one, 1, {third}, "10:08") == Since{{third, "10:05"}});
    CHECK(ledger.note_fork_gaps(one, 1, {}, "10:09").empty());
    CHECK(ledger.note_fork_gaps(one, 1, {second}, "10:10") == Since{{second, "10:10"}});
    CHECK(ledger.note_fork_gaps(two, 1, {second}, "10:11") == Since{{second, "10:06"}});
}
