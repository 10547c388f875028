#include "uploader/import/import.hpp"

#include <sys/stat.h>

#include "console/exit_code.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::console;
using namespace walferry::drain;
using namespace walferry::importing;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

/// A spool with its stores, and a directory that an earlier set-up copied segments into.
struct ImportHarness : DrainHarness {
    ImportHarness() { fs::create_directory(legacy()); }

    std::string legacy() const { return dir.path() + "/legacy"; }
    void archive(const WalFile& wal) const { wal.write(legacy()); }
    bool waits(const std::string& name) const { return fs::exists(legacy() + "/" + name); }

    ImportResult import(ImportOptions options = {}, std::stop_token stop = {}) {
        said.clear();
        console::Outcome outcome([this](const std::string& line) { said.push_back(line); });
        if (options.directory.empty()) options.directory = legacy();
        ImportResult result = import_directory(settings, options, outcome, stop, [](const Drain::Viewer&) {});
        code = outcome.exit_code();
        return result;
    }

    int code = -1;
};

std::string name_of(unsigned number) {
    return DrainHarness::wal(number).name;
}

}  // namespace

TEST_CASE("import takes an old archive's files into the spool, and a drain brings them to the stores") {
    ImportHarness h;
    for (unsigned i = 1; i <= 3; ++i) h.archive(DrainHarness::wal(i));
    h.dir.write("legacy/00000002.history", "1\t0/5000000\tno recovery target specified\n");
    h.dir.write("legacy/000000010000000000000003.00000028.backup", "START WAL LOCATION: 0/3000028\n");
    const ImportResult result = h.import();
    CHECK(h.code == exit_code::done);
    CHECK(result.imported == 5);
    CHECK(result.left == 0);
    CHECK(fs::is_empty(h.legacy()));
    REQUIRE(h.spooled() == 5);
    CHECK(read_file(h.file(name_of(2))) == DrainHarness::wal(2).bytes());
    struct stat status {};
    REQUIRE(::stat(h.file(name_of(2)).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    CHECK(h.ledger().spooled().size() == 5);
    const DrainResult drained = h.drain();
    CHECK(drained.exit_code == exit_code::done);
    CHECK(drained.adopted_segments == 0);
    CHECK(h.objects("b").size() == 5);
}

TEST_CASE("With --keep the files stay, and a second import knows them again") {
    ImportHarness h;
    h.archive(DrainHarness::wal(1));
    h.archive(DrainHarness::wal(2));
    ImportOptions keep;
    keep.keep = true;
    CHECK(h.import(keep).imported == 2);
    CHECK(h.waits(name_of(1)));
    CHECK(h.import(keep).already_spooled == 2);
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.import(keep).already_verified == 2);
    CHECK(h.spooled() == 0);
    CHECK(h.import().already_verified == 2);
    CHECK(fs::is_empty(h.legacy()));
}

TEST_CASE("A segment that a store has lost is taken in again, though the ledger calls it verified") {
    ImportHarness h;
    h.push(DrainHarness::wal(1));
    h.push(DrainHarness::wal(2));
    CHECK(h.drain().exit_code == exit_code::done);
    h.archive(DrainHarness::wal(1));
    h.archive(DrainHarness::wal(2));
    const auto lose = [&](const char* store) {
        for (const auto& entry : fs::recursive_directory_iterator(h.store_path(store))) {
            if (entry.is_regular_file() && entry.path().filename().string().starts_with(name_of(1)))
                fs::remove(entry.path());
        }
    };
    SECTION("from one store") {
        lose("b");
    }
    SECTION("from both") {
        lose("a");
        lose("b");
    }
    const ImportResult result = h.import();
    CHECK(result.imported == 1);
    CHECK(result.already_verified == 1);
    CHECK(fs::exists(h.file(name_of(1))));
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("a").size() == 2);
    CHECK(h.objects("b").size() == 2);
}

TEST_CASE("While a store cannot be asked, what was verified is spooled again, and read back by the drain") {
    ImportHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    const auto there = h.objects("b");
    h.archive(DrainHarness::wal(1));
    fs::rename(h.store_path("b"), h.store_path("away"));
    const ImportResult result = h.import();
    CHECK(result.imported == 1);
    CHECK_FALSE(result.store_trouble.empty());
    CHECK(h.code == exit_code::done);
    CHECK(h.drain().exit_code == exit_code::incomplete);
    CHECK(h.spooled() == 1);
    fs::rename(h.store_path("away"), h.store_path("b"));
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("b") == there);
}

TEST_CASE("What is not what its name says stays where it is and is named") {
    ImportHarness h;
    h.archive(DrainHarness::wal(1));
    fs::copy(h.legacy() + "/" + name_of(1), h.legacy() + "/" + name_of(9));
    fs::copy(h.legacy() + "/" + name_of(1), h.legacy() + "/" + name_of(8));
    fs::resize_file(h.legacy() + "/" + name_of(8), 500'000);  // a copy that was cut off
    fs::create_directory(h.legacy() + "/" + name_of(7));
    h.dir.write("legacy/" + name_of(6), "short");
    h.dir.write("legacy/" + name_of(5) + ".gz", "compressed, perhaps");
    const ImportResult result = h.import();
    CHECK(h.code == exit_code::integrity);
    CHECK(result.imported == 1);
    CHECK(result.refused == 3);
    CHECK(result.failed == 1);
    CHECK(result.others == std::vector<std::string>{name_of(5) + ".gz"});
    for (const unsigned i : {6U, 7U, 8U, 9U}) CHECK(h.waits(name_of(i)));
    CHECK(h.said_something_with(name_of(9) + " is not what its name says"));
    CHECK(h.said_something_with("file size"));
    CHECK(h.said_something_with("a directory"));
    CHECK(h.spooled() == 1);
}

TEST_CASE(
    "Another content under a known name is refused, in the spool and in the ledger, and both are kept") {
    ImportHarness h;
    h.push(DrainHarness::wal(1, 100));
    h.push(DrainHarness::wal(2, 200));
    h.archive(DrainHarness::wal(1, 101));
    CHECK(h.import().refused == 1);
    CHECK(h.code == exit_code::integrity);
    CHECK(h.drain().exit_code == exit_code::done);
    h.archive(DrainHarness::wal(2, 201));
    CHECK(h.import().refused == 2);
    CHECK(h.waits(name_of(1)));
    CHECK(h.waits(name_of(2)));
    CHECK(h.spooled() == 0);
}

TEST_CASE("Two clusters' segments go where they belong; a history file between them needs to be told where") {
    ImportHarness h;
    h.archive(DrainHarness::wal(1));
    WalFile foreign = DrainHarness::wal(2);
    foreign.system_identifier = 4711;
    h.archive(foreign);
    h.dir.write("legacy/00000002.history", "1\t0/5000000\tno recovery target specified\n");
    CHECK(h.import().imported == 2);
    CHECK(h.code == exit_code::usage);
    CHECK(h.said_something_with("--system-identifier"));
    CHECK(fs::exists(h.spool().segment(4711, foreign.name)));
    ImportOptions told;
    told.system_identifier = 4711;
    CHECK(h.import(told).imported == 1);
    CHECK(h.code == exit_code::done);
    CHECK(fs::exists(h.spool().segment(4711, "00000002.history")));
    SECTION("and what the option says is held against each header") {
        h.archive(DrainHarness::wal(3));
        CHECK(h.import(told).refused == 1);
        CHECK(h.waits(name_of(3)));
    }
}

TEST_CASE("--max-spool stops an import without a loss, and it goes on after a drain") {
    ImportHarness h;
    for (unsigned i = 1; i <= 5; ++i) h.archive(DrainHarness::wal(i));
    ImportOptions options;
    options.limits = {std::uint64_t{3} << 20, std::nullopt, "import it after a drain"};
    const ImportResult result = h.import(options);
    CHECK(h.code == exit_code::incomplete);
    CHECK(result.imported == 3);
    CHECK(result.left == 2);
    CHECK(h.waits(name_of(5)));
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.import(options).imported == 2);
    CHECK(h.code == exit_code::done);
}

TEST_CASE("A request to stop leaves the rest for the next import") {
    ImportHarness h;
    h.archive(DrainHarness::wal(1));
    std::stop_source stop;
    stop.request_stop();
    CHECK(h.import({}, stop.get_token()).left == 1);
    CHECK(h.code == exit_code::incomplete);
    CHECK(h.waits(name_of(1)));
}

TEST_CASE("import refuses a running server's pg_wal, and the spool itself") {
    ImportHarness h;
    h.archive(DrainHarness::wal(1));
    h.push(DrainHarness::wal(2));
    ImportOptions options;
    options.directory = h.spool().ready(sysid);
    CHECK(kind_of([&] { h.import(options); }) == ErrorKind::usage);
    fs::create_directory(h.legacy() + "/archive_status");
    CHECK(kind_of([&] { h.import(); }) == ErrorKind::usage);
    CHECK(h.waits(name_of(1)));
    options.directory = h.dir / "nowhere";
    CHECK(kind_of([&] { h.import(options); }) == ErrorKind::io);
}

TEST_CASE("Without a ledger import works, says so, and the drain adopts") {
    ImportHarness h;
    h.archive(DrainHarness::wal(1));
    h.archive(DrainHarness::wal(2));
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(h.spool().ledger() + suffix);
    const ImportResult result = h.import();
    CHECK(h.code == exit_code::done);
    CHECK(result.imported == 2);
    CHECK_FALSE(result.ledger_trouble.empty());
    CHECK(h.drain().adopted_segments == 2);
}

TEST_CASE("A thousand unreadable names do not make a thousand lines") {
    ImportHarness h;
    for (unsigned i = 1; i <= 100; ++i) fs::create_directory(h.legacy() + "/" + name_of(i));
    CHECK(h.import().failed == 100);
    CHECK(h.said.size() == 21);
    CHECK(h.said_something_with("and 80 more"));
}
