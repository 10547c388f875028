#include "uploader/backup/pipeline.hpp"

#include <array>
#include <atomic>
#include <thread>

#include "common/codec/digest.hpp"
#include "common/sleep.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/kind_of.hpp"
#include "tests/shared_fake_store.hpp"

using namespace walferry;
using namespace walferry::backup;
using namespace walferry::test;

namespace {

/// A backup's way into two stores, without a server and without a clock.
class Way {
  public:
    explicit Way(std::uint64_t memory_size = std::uint64_t{4} * backup_piece_size) : memory({memory_size}) {
        encoding.level = 1;
        for (std::size_t i = 0; i < stores.size(); ++i) {
            StoreSettings settings;
            settings.name = i == 0 ? "a" : "b";
            copies.push_back(std::make_unique<StoreCopy>(
                StoreCopy::Parts{settings, ObjectKeys("", "main", 7), origin.id, 2, stop.get_token(),
                                 [this](const StoreCopy& copy) { given_up(copy); },
                                 [this, i](const std::stop_token& ended) { return stores[i].connect(ended); },
                                 std::chrono::milliseconds(0)}));
        }
        pipeline = std::make_unique<BackupPipeline>(encoding, origin, 2, memory, copies);
    }
    ~Way() {
        pipeline.reset();
        for (const auto& copy : copies) copy->give_up(Error(ErrorKind::interrupted, "the test has ended"));
        for (const auto& copy : copies) copy->settle();
    }

    /// A stream of one piece: "base" or a tablespace.
    void send(const std::string& name, const std::string& content) {
        pipeline->begin_stream(name);
        pipeline->write(as_bytes(content));
    }
    std::string object(std::size_t store, const std::string& key) {
        return stores[store].with([&](FakeStore& fake) { return fake.objects[key]; });
    }
    int puts(std::size_t store) {
        return stores[store].with([](FakeStore& fake) { return fake.puts; });
    }

    BackupOrigin origin{7, {"20261124T121314Z-1a2b3c4d"}, 15, 16 << 20};
    EncodeOptions encoding;
    transfer::MemoryBudget memory;
    std::array<SharedFakeStore, 2> stores;
    std::stop_source stop;
    std::array<std::atomic<int>, 2> times_given_up{};
    std::vector<std::unique_ptr<StoreCopy>> copies;
    std::unique_ptr<BackupPipeline> pipeline;

  private:
    void given_up(const StoreCopy& copy) {
        ++times_given_up[copy.settings().name == "a" ? 0 : 1];
        if (std::none_of(copies.begin(), copies.end(), [](const auto& each) { return each->usable(); }))
            memory.close();
    }
};

std::string digest_of(const std::string& bytes) {
    Sha256 sha256;
    sha256.update(as_bytes(bytes));
    return hex(sha256.finish());
}

void flip(std::string& bytes) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
}

}  // namespace

TEST_CASE("What a server sends lies in both stores, under the hashes that the label names") {
    Way way;
    const std::vector<std::string> contents{noise(300'000, 1), noise(70'000, 2), "a short one"};
    for (std::size_t i = 0; i < contents.size(); ++i) way.send(std::to_string(16384 + i), contents[i]);
    const auto streams = way.pipeline->finish();
    REQUIRE(streams.size() == contents.size());
    for (const auto& copy : way.copies) REQUIRE(copy->complete());
    for (std::size_t i = 0; i < contents.size(); ++i) {
        REQUIRE(streams[i].pieces.size() == 1);
        const BackupLabel::Piece& piece = streams[i].pieces[0];
        CHECK(streams[i].size == contents[i].size());
        CHECK(piece.fingerprint == fingerprint_of(contents[i]));
        const ObjectName name{BackupPart{streams[i].name, 0}.text(), piece.fingerprint, "00000000",
                              piece.sha256.substr(0, 32), false};
        for (std::size_t store = 0; store < way.stores.size(); ++store)
            CHECK(digest_of(way.object(store, way.copies[store]->key(name))) == piece.sha256);
    }
    CHECK(way.copies[0]->verified_bytes() == 370'011);
}

TEST_CASE("A store that refuses an object is given up once, and the other one goes on to the end") {
    Way way;
    way.stores[0].with([](FakeStore& fake) {
        fake.refuse = [&fake](const std::string&) {
            if (fake.puts >= 2) throw Error(ErrorKind::no_space, "the disk is full");
        };
    });
    for (int i = 0; i < 8; ++i) way.send(std::to_string(16384 + i), noise(10'000));
    (void)way.pipeline->finish();
    CHECK(way.copies[1]->complete());
    CHECK(way.copies[1]->verified_bytes() == 80'000);
    CHECK_FALSE(way.copies[0]->complete());
    CHECK(way.copies[0]->reason()->kind() == ErrorKind::no_space);
    way.copies[0]->settle();
    CHECK(way.times_given_up[0] == 1);
    CHECK(way.times_given_up[1] == 0);
    CHECK_NOTHROW(way.pipeline->check());
}

TEST_CASE("A store that brings back other bytes, or none, gets a second copy and no third one") {
    Way way;
    way.stores[0].with([](FakeStore& fake) {
        SECTION("other bytes") {
            fake.change = [](int, std::string& bytes) { flip(bytes); };
        }
        SECTION("none, although it took them") {
            fake.is_away = [](int) { return true; };
        }
    });
    way.send("base", noise(10'000));
    (void)way.pipeline->finish();
    CHECK(way.copies[1]->complete());
    CHECK_FALSE(way.copies[0]->complete());
    CHECK(way.copies[0]->reason()->kind() == ErrorKind::integrity);
    CHECK(way.puts(0) == 2);
    CHECK(way.puts(1) == 1);
}

TEST_CASE("What a store damaged once is sent a second time and counts") {
    Way way;
    way.stores[0].with([](FakeStore& fake) {
        fake.change = [](int get, std::string& bytes) {
            if (get <= 2) flip(bytes);
        };
    });
    way.send("base", noise(10'000));
    (void)way.pipeline->finish();
    CHECK(way.copies[0]->complete());
    CHECK(way.copies[1]->complete());
    CHECK(way.puts(0) == 2);
}

TEST_CASE("An outage of every store ends the backup while it is read") {
    Way way;
    for (SharedFakeStore& store : way.stores) {
        store.before_put = [](const std::string&, const std::stop_token&) {
            throw Error(ErrorKind::unreachable, "no route to host");
        };
    }
    const auto read_on = [&] {
        for (;;) way.send("base", noise(10'000));
    };
    CHECK(kind_of(read_on) == ErrorKind::unreachable);
    for (const auto& copy : way.copies) copy->settle();
    CHECK(way.times_given_up[0] == 1);
    CHECK(way.times_given_up[1] == 1);
}

TEST_CASE("The slowest store sets the pace, and no piece is read for which there is no memory") {
    Way way(backup_piece_size + 1);
    std::stop_source goes_on;
    way.stores[0].before_put = [&](const std::string&, const std::stop_token& stop) {
        const std::stop_callback ended(stop, [&] { goes_on.request_stop(); });
        sleep_unless_stopped(goes_on.get_token(), std::chrono::minutes(5));
    };
    std::atomic<bool> second_is_read = false;
    std::jthread reader([&] {
        way.send("base", noise(10'000));
        way.send("16384", noise(10'000));
        second_is_read = true;
        (void)way.pipeline->finish();
    });
    while (way.copies[1]->verified_bytes() < 10'000) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK_FALSE(second_is_read);
    CHECK(way.puts(1) == 1);
    goes_on.request_stop();
    reader.join();
    CHECK(way.copies[0]->complete());
    CHECK(way.copies[1]->complete());
    CHECK(way.copies[0]->verified_bytes() == 20'000);
}

TEST_CASE("A request to stop ends the transfers under way, and with them the wait for memory") {
    Way way(backup_piece_size + 1);
    for (SharedFakeStore& store : way.stores) {
        store.before_put = [&](const std::string&, const std::stop_token& stop) {
            sleep_unless_stopped(stop, std::chrono::minutes(5));
        };
    }
    std::jthread operator_stops([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        way.stop.request_stop();
    });
    const auto read_on = [&] {
        for (;;) way.send("base", noise(10'000));
    };
    CHECK(kind_of(read_on) == ErrorKind::unreachable);
    for (const auto& copy : way.copies) {
        CHECK_FALSE(copy->complete());
        CHECK(copy->reason()->kind() == ErrorKind::interrupted);
    }
}
