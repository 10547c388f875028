#include <sys/file.h>
#include <unistd.h>

#include <thread>

#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/ledger/sqlite.hpp"
#include "common/store/object_name.hpp"
#include "console/exit_code.hpp"
#include "tests/archive/wal_maker.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::console;
using namespace walferry::drain;
using namespace walferry::test;
namespace fs = std::filesystem;

TEST_CASE("Every segment reaches every store, is verified, and leaves the spool") {
    DrainHarness h;
    for (unsigned i = 1; i <= 5; ++i) h.push(DrainHarness::wal(i));
    h.push_bytes("00000002.history", "1\t0/5000000\tno recovery target specified\n");
    h.push_bytes("000000010000000000000003.00000028.backup", "START WAL LOCATION: 0/3000028\n");
    const DrainResult result = h.drain();
    CHECK(result.exit_code == exit_code::done);
    CHECK(result.removed_segments == 7);
    CHECK(h.spooled() == 0);
    for (const std::string store : {"a", "b"}) {
        REQUIRE(h.objects(store).size() == 7);
        for (const std::string& object : h.objects(store)) CHECK(ObjectName::parse(object));
    }
    CHECK(h.objects("a") == h.objects("b"));  // one encoding served both
    CHECK(h.ledger().spooled().empty());
    for (const ListRow& row : h.ledger().list(std::nullopt, std::nullopt)) CHECK(row.state == "verified");
}

TEST_CASE("An empty spool is done at once, and a second run changes nothing") {
    DrainHarness h;
    CHECK(h.drain().exit_code == exit_code::done);
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().removed_segments == 1);
    const auto before = h.objects("a");
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.objects("a") == before);
}

TEST_CASE("A segment that the ledger does not know is adopted") {
    DrainHarness h;
    const std::string fingerprint = h.push(DrainHarness::wal(1), false);
    const DrainResult result = h.drain();
    CHECK(result.exit_code == exit_code::done);
    CHECK(result.adopted_segments == 1);
    CHECK(h.objects("a").front().find(fingerprint) != std::string::npos);
    CHECK(h.spooled() == 0);
}

TEST_CASE("A lost ledger takes the proof with it: what is spooled is put again, and only then deleted") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    fs::rename(h.store_path("b"), h.store_path("away"));
    CHECK(h.drain().exit_code == exit_code::incomplete);
    const auto there = h.objects("a");
    REQUIRE(there.size() == 1);
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(h.spool().ledger() + suffix);
    // Adopted with the file's time, so a fresh encoding has other bytes, and another name.
    const std::string file = h.file(DrainHarness::wal(1).name);
    fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours(1));
    fs::rename(h.store_path("away"), h.store_path("b"));
    const DrainResult result = h.drain();
    CHECK(result.exit_code == exit_code::done);
    CHECK(h.said_something_with("there was no ledger"));
    CHECK(h.objects("a").size() == 2);
    CHECK(h.objects("b").size() == 1);
    CHECK(h.spooled() == 0);
}

TEST_CASE("What this host put and could not verify is not put twice") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    const auto there = h.objects("a");
    const std::string changes = GENERATE(
        "UPDATE upload SET put_key = object_key, put_size = object_size, put_sha256 = object_sha256,"
        " state = 'stored', verified_at = NULL",
        "UPDATE upload SET put_key = object_key, put_size = object_size, put_sha256 = object_sha256,"
        " state = 'pending', verified_at = NULL, object_key = NULL, object_sha256 = NULL",
        "UPDATE segment SET removed_at = '2026-01-01T00:00:00.000Z'");
    {
        sqlite::Database database(fs::canonical(h.spool().ledger()), {});
        database.execute("UPDATE segment SET removed_at = NULL");
        database.execute(changes.c_str());
    }
    h.push(DrainHarness::wal(1), false);
    h.settings.compression_level = 1;  // a fresh encoding would have another name
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("a") == there);
}

// Garbage whose name is right in every part: the segment's, its fingerprint, the recipients, its own hash.
static std::string plant(const DrainHarness& h, const std::string& store, const std::string& fingerprint) {
    const std::string garbage = "not this segment";
    Sha256 sha256;
    sha256.update(as_bytes(garbage));
    const ObjectName name{DrainHarness::wal(1).name, fingerprint, "00000000",
                          hex(sha256.finish()).substr(0, 32), false};
    const std::string key = ObjectKeys("", "main", sysid).wal(name);
    const std::string path = h.store_path(store) + "/" + key;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << garbage;
    return key;
}

TEST_CASE("An object that was planted under a waiting segment's name permits nothing") {
    DrainHarness h;
    const std::string fingerprint = h.push(DrainHarness::wal(1));
    for (const char* store : {"a", "b"}) plant(h, store, fingerprint);
    SECTION("while an attempt had failed before") {
        fs::rename(h.store_path("a"), h.store_path("away"));
        CHECK(h.drain().exit_code == exit_code::incomplete);
        fs::rename(h.store_path("away"), h.store_path("a"));
    }
    SECTION("while the ledger knows the upload from a listing") {
        const auto now = wall_now();
        Ledger ledger = h.ledger();
        for (const StoreSettings& store : h.settings.stores) {
            const auto id = ledger.add_store({store.name, "directory", store.path, "", ""}, now);
            const std::string key = plant(h, store.name, fingerprint);
            const std::string digest = key.substr(key.size() - 36, 32);
            ledger.add_listed(id,
                              std::vector{ListedObject{sysid, *WalName::parse(DrainHarness::wal(1).name),
                                                       fingerprint, key, 16, digest}},
                              now);
        }
    }
    SECTION("and the ledger is lost") {
        for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(h.spool().ledger() + suffix);
    }
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    for (const char* store : {"a", "b"}) {
        std::uintmax_t largest = 0;
        for (const auto& entry : fs::recursive_directory_iterator(h.store_path(store)))
            if (entry.is_regular_file()) largest = std::max(largest, entry.file_size());
        CHECK(h.objects(store).size() == 2);
        CHECK(largest > 10'000);
    }
}

TEST_CASE("A segment that comes back is kept until the stores show its objects again") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    fs::remove(only_object(h, "a"));
    h.push(DrainHarness::wal(1), false);
    const auto kept = h.objects("b");
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("a").size() == 1);
    CHECK(h.objects("b") == kept);
}

TEST_CASE("A store that is down holds up no other, and nothing is deleted until it is back") {
    DrainHarness h;
    for (unsigned i = 1; i <= 4; ++i) h.push(DrainHarness::wal(i));
    fs::rename(h.store_path("b"), h.store_path("away"));
    const DrainResult result = h.drain();
    CHECK(result.exit_code == exit_code::incomplete);
    CHECK(result.pending_segments == 4);
    CHECK(h.objects("a").size() == 4);
    CHECK(h.spooled() == 4);
    CHECK(h.said_something_with("store b"));
    fs::rename(h.store_path("away"), h.store_path("b"));
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("b").size() == 4);
    CHECK(h.objects("a").size() == 4);
}

TEST_CASE("A store that refuses one segment after the other is given up on before it was asked about all") {
    DrainHarness h;
    for (unsigned i = 1; i <= 40; ++i) h.push(DrainHarness::wal(i));
    fs::create_directories(h.store_path("b") + "/main/" + std::to_string(sysid));
    std::ofstream(h.store_path("b") + "/main/" + std::to_string(sysid) + "/wal") << "in the way";
    const DrainResult result = h.drain();
    CHECK(result.exit_code != exit_code::done);
    CHECK(result.pending_segments == 40);
    CHECK(h.objects("a").size() == 40);
    CHECK(h.said.size() < 20);
    CHECK(h.said_something_with("store b is left for the next run"));
}

TEST_CASE("--store sends to one store and deletes nothing that the others lack") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    DrainOptions options;
    options.only_stores = {"b"};
    CHECK(h.drain(options).exit_code == exit_code::done);
    CHECK(h.objects("a").empty());
    CHECK(h.objects("b").size() == 1);
    CHECK(h.spooled() == 1);
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    options.only_stores = {"c"};
    CHECK(kind_of([&] { h.drain(options); }) == ErrorKind::usage);
}

TEST_CASE("--limit takes the oldest, history files before all else, and what it leaves is no failure") {
    DrainHarness h;
    for (unsigned i = 1; i <= 3; ++i) h.push(DrainHarness::wal(i));
    h.push_bytes("00000002.history", "1\t0/5000000\tno reason\n");
    DrainOptions options;
    options.limit = 2;
    CHECK(h.drain(options).exit_code == exit_code::done);
    CHECK(h.spooled() == 2);
    CHECK_FALSE(fs::exists(h.file("00000002.history")));
    CHECK_FALSE(fs::exists(h.file("000000010000000000000001")));
}

TEST_CASE("Other content under an archived name is kept beside it, and raised once") {
    DrainHarness h;
    h.push(DrainHarness::wal(1, 7));
    CHECK(h.drain().exit_code == exit_code::done);
    h.push(DrainHarness::wal(1, 8), false);
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.said_something_with("conflict"));
    CHECK(h.objects("a").size() == 2);
    CHECK(h.objects("b").size() == 2);
    CHECK(h.spooled() == 0);
    CHECK_FALSE(h.ledger().conflicts(false).empty());
    CHECK(h.drain().exit_code == exit_code::done);
}

TEST_CASE("Two contents that wait under one name are both sent, whatever the ledger knows of them") {
    DrainHarness h;
    h.push(DrainHarness::wal(1, 7));
    h.push_second(DrainHarness::wal(1, 8), GENERATE(true, false));
    CHECK(h.spooled() == 2);
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("a").size() == 2);
    CHECK(h.objects("b").size() == 2);
    CHECK(h.ledger().rows_of(sysid, "000000010000000000000001").size() == 2);
    for (const SegmentRow& row : h.ledger().rows_of(sysid, "000000010000000000000001")) CHECK(row.removed_at);
    CHECK(h.drain().exit_code == exit_code::done);
}

TEST_CASE("Facts that the ledger does not take fail no drain") {
    DrainHarness h;
    WalMaker wal(1 << 20, 8192, 1 << 20);
    wal.system_identifier = sysid;
    wal.commit(800, 1'000'000);
    const auto facts = [&] {
        sqlite::Database database(fs::canonical(h.spool().ledger()), sqlite::OpenOptions{});
        return database.integer("SELECT count(*) FROM wal_fact");
    };
    const bool refuses = GENERATE(true, false);
    h.push_bytes("000000010000000000000001", wal.segments()[0]);
    if (refuses) {
        sqlite::Database(fs::canonical(h.spool().ledger()), sqlite::OpenOptions{})
            .execute(
                "CREATE TRIGGER refuses BEFORE INSERT ON wal_fact BEGIN SELECT RAISE(ABORT, 'refused'); END");
    }
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("b").size() == 1);
    CHECK(facts() == (refuses ? 0 : 1));
}

TEST_CASE("A file whose name says other bytes than it has is left alone") {
    DrainHarness h;
    h.dir.write("spool/ready/" + std::to_string(sysid) + "/000000010000000000000001-" + std::string(32, 'a'),
                DrainHarness::wal(1).bytes());
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.said_something_with("other bytes than its name says"));
    CHECK(h.spooled() == 1);
    CHECK(h.objects("a").empty());
}

TEST_CASE(
    "Behind the fork two contents are no conflict, from when the history is known, and before it they are") {
    const auto with_byte = [](const WalFile& wal, std::size_t at) {
        std::string bytes = wal.bytes();
        bytes.at(at) = static_cast<char>(bytes.at(at) + 1);
        return bytes;
    };
    const WalFile before = DrainHarness::wal(2);
    const WalFile within = DrainHarness::wal(4);
    const WalFile behind = DrainHarness::wal(5);
    DrainHarness one;
    DrainHarness two;
    two.settings.stores = one.settings.stores;
    for (const WalFile& wal : {before, within, behind}) one.push(wal);
    one.drain();
    const bool same_up_to_the_fork = GENERATE(true, false);
    two.push_bytes(before.name, with_byte(before, 1000));
    two.push_bytes(within.name, with_byte(within, same_up_to_the_fork ? 0x80000 : 0x7ffff));
    two.push_bytes(behind.name, with_byte(behind, 1000));
    CHECK(two.drain().exit_code == exit_code::integrity);
    CHECK(two.ledger().conflicts(false).size() == 6);  // of three names, in two stores
    // The history comes later, and through the other host's spool.
    one.push_bytes("00000002.history", "1\t0/480000\tno recovery target specified\n");
    one.drain();
    CHECK(two.drain().exit_code == exit_code::done);  // what is a conflict was raised before
    for (const ConflictRow& row : two.ledger().conflicts(true)) {
        CAPTURE(row.name);
        const bool diverges = row.name == behind.name || (row.name == within.name && same_up_to_the_fork);
        CHECK(row.divergence == (diverges ? std::optional<std::string>("compared") : std::nullopt));
        CHECK(row.settled_at.has_value() == diverges);
    }
}

TEST_CASE("Where the history cannot be read, what may lie behind the fork is not called a conflict") {
    DrainHarness one;
    DrainHarness two;
    two.settings.stores = one.settings.stores;
    one.push(DrainHarness::wal(2, 100));
    one.push(DrainHarness::wal(5, 100));
    one.push_bytes("00000002.history", "this one makes no sense");
    WalFile first = DrainHarness::wal(4);
    first.name[7] = '2';
    one.push(first);
    one.drain();
    two.push(DrainHarness::wal(2, 200));
    two.push(DrainHarness::wal(5, 200));
    CHECK(two.drain().exit_code == exit_code::integrity);
    CHECK(two.said_something_with("not compared"));
    for (const ConflictRow& row : two.ledger().conflicts(true))
        CHECK(row.divergence ==
              (row.name.back() == '5' ? std::optional<std::string>("not compared") : std::nullopt));
    CHECK(two.drain().exit_code == exit_code::done);
}

TEST_CASE("A second writer with the same content is no conflict; one with other content is") {
    DrainHarness one;
    DrainHarness two;
    two.settings.stores = one.settings.stores;
    two.settings.compression_level = 1;
    one.push(DrainHarness::wal(1));
    one.push(DrainHarness::wal(2, 100));
    two.push(DrainHarness::wal(1));
    two.push(DrainHarness::wal(2, 200));
    CHECK(one.drain().exit_code == exit_code::done);
    CHECK(two.drain().exit_code == exit_code::integrity);
    const auto conflicts = two.ledger().conflicts(false);
    REQUIRE(conflicts.size() == 2);  // in each store
    for (const ConflictRow& row : conflicts) {
        CHECK(row.name == "000000010000000000000002");
        CHECK(row.ours == fingerprint_of(DrainHarness::wal(2, 200).bytes()));
        CHECK(row.theirs == fingerprint_of(DrainHarness::wal(2, 100).bytes()));
    }
    CHECK(one.spooled() + two.spooled() == 0);
    CHECK(two.ledger().settle(sysid, "000000010000000000000002", wall_now()) == 2);
    CHECK(two.ledger().conflicts(false).empty());
}

TEST_CASE("A store that vanished from the configuration or moved stops the drain until it is retired") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    const auto both = h.settings.stores;
    h.push(DrainHarness::wal(2));
    SECTION("vanished") {
        h.settings.stores.pop_back();
        CHECK(kind_of([&] { h.drain(); }) == ErrorKind::config);
        CHECK(h.spooled() == 1);
        Ledger ledger = h.ledger();
        ledger.retire_store(ledger.active_stores().back().id, wall_now());
        CHECK(h.drain().exit_code == exit_code::done);
        CHECK(h.spooled() == 0);
    }
    SECTION("moved") {
        h.settings.stores.back().path += "-elsewhere";
        fs::create_directory(h.settings.stores.back().path);
        CHECK(kind_of([&] { h.drain(); }) == ErrorKind::config);
    }
    SECTION("a new one gets what is spooled from then on") {
        h.add_store("c");
        CHECK(h.drain().exit_code == exit_code::done);
        CHECK(h.objects("c").size() == 1);
    }
}

TEST_CASE("A ledger that somebody began to make and did not finish is finished") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(h.spool().ledger() + suffix);
    fs::resize_file(h.spool().ledger(), 0);
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.said_something_with("a new one was made"));
    CHECK(h.spooled() == 0);
}

TEST_CASE("A removal cut off before its record is completed before a new store could make it look lost") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    {
        sqlite::Database database(fs::canonical(h.spool().ledger()), {});
        database.execute("UPDATE segment SET removed_at = NULL");
    }
    h.add_store("c");
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.ledger().spooled().empty());
}

TEST_CASE("An earlier object that cannot be had does not keep a fresh copy from being sent") {
    DrainHarness h({"a"});
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    const std::string object = only_object(h, "a");
    fs::remove(object);
    fs::create_directory_symlink("/nowhere", object);  // there, perhaps, but nothing to be read
    h.push(DrainHarness::wal(1), false);
    h.settings.compression_level = 1;
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("a").size() == 1);
}

TEST_CASE("Segments that a store has other bytes of do not keep the younger ones from it") {
    DrainHarness h({"a"});
    for (unsigned i = 1; i <= 12; ++i) h.push(DrainHarness::wal(i));
    for (unsigned i = 1; i <= 7; ++i) spoil(h.file(DrainHarness::wal(i).name));
    CHECK(h.drain().exit_code == exit_code::integrity);
    CHECK(h.objects("a").size() == 5);
    CHECK(h.spooled() == 7);
}

TEST_CASE("A second drain is told who is at work") {
    DrainHarness h;
    const int fd = ::open(h.settings.spool.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(::flock(fd, LOCK_EX) == 0);
    try {
        h.drain();
        FAIL("it ran beside another one");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::locked);
        CHECK(error.message().find("process " + std::to_string(::getpid())) != std::string::npos);
        CHECK(error.message().find("since") != std::string::npos);
    }
    std::jthread release([fd] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        ::close(fd);
    });
    DrainOptions patient;
    patient.wait = std::chrono::seconds(30);
    CHECK(h.drain(patient).exit_code == exit_code::done);
}

TEST_CASE("A request to stop ends the run soon, and nothing is lost by it") {
    DrainHarness h;
    for (unsigned i = 1; i <= 3; ++i) h.push(DrainHarness::wal(i));
    std::stop_source source;
    source.request_stop();
    CHECK(h.drain({}, source.get_token()).exit_code == exit_code::incomplete);
    CHECK(h.spooled() == 3);
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.objects("a").size() == 3);
}

TEST_CASE("--wait goes on until a store is back") {
    DrainHarness h;
    h.push(DrainHarness::wal(1));
    fs::rename(h.store_path("b"), h.store_path("away"));
    std::jthread mend([&h] {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        fs::rename(h.store_path("away"), h.store_path("b"));
    });
    DrainOptions patient;
    patient.wait = std::chrono::seconds(60);
    h.drain(patient);
    CHECK(h.spooled() == 0);
    CHECK(h.objects("b").size() == 1);
}

TEST_CASE("Encodings above the memory limit rest in work_dir and come back whole") {
    DrainHarness h;
    WalFile big = DrainHarness::wal(1);
    big.name = "000000010000000100000000";
    big.segment_size = 64 << 20;
    big.zero_tail = 0;
    h.push(big);
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.objects("b").size() == 1);
    h.push_bytes("00000003.history", "1\t0/5000000\tno reason\n");
    h.settings.work_dir = h.dir.path() + "/missing";
    CHECK(h.drain().exit_code == exit_code::done);  // a small one needs none
    big.name = "000000010000000100000001";
    h.push(big);
    CHECK(h.drain().exit_code == exit_code::failed);
    CHECK(h.said_something_with("work_dir"));
    CHECK(h.spooled() == 1);
}
