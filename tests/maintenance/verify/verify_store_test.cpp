#include <set>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/kind_of.hpp"
#include "tests/maintenance/verify/verify_fixture.hpp"

using namespace walferry;
using namespace walferry::verify;
using test::FakeStore;
using test::VerifiedStore;
using test::wal_key;

namespace {

using Ended = StoreResult::Ended;

/// A store that some keys cannot be read from, as long as they are named here, or at all.
class Ailing : public FakeStore {
  public:
    explicit Ailing(FakeStore& behind) : behind_(behind) {}
    void get(const std::string& key, Receiver& receiver) override {
        read.push_back(key);
        if (down) throw Error(ErrorKind::unreachable, "no answer");
        if (fails.contains(key)) throw Error(ErrorKind::server_error, "answered 500");
        if (stop_after != 0 && static_cast<int>(read.size()) > stop_after)
            throw Error(ErrorKind::interrupted, "stopped on request");
        behind_.get(key, receiver);
    }
    ObjectPage list(const std::string& prefix, const std::string& start_after) override {
        if (down) throw Error(ErrorKind::unreachable, "no answer");
        return behind_.list(prefix, start_after);
    }
    std::set<std::string> fails;
    bool down = false;
    int stop_after = 0;
    std::vector<std::string> read;

  private:
    FakeStore& behind_;
};

Source source_of(FakeStore& store, const std::string& root = "main/") {
    // Shared by every connection.
    class Connection : public FakeStore {
      public:
        explicit Connection(FakeStore& behind) : behind_(behind) {}
        void get(const std::string& key, Receiver& receiver) override { behind_.get(key, receiver); }
        ObjectPage list(const std::string& prefix, const std::string& start_after) override {
            return behind_.list(prefix, start_after);
        }

      private:
        FakeStore& behind_;
    };
    return {"two", root, [&store] { return std::make_unique<Connection>(store); }};
}

}  // namespace

TEST_CASE("verify reads each object once, and again when it is due") {
    VerifiedStore one;
    for (std::uint32_t i = 0; i < 20; ++i) one.put_segment(i);
    one.put("7/lost+found", "a file of the administrator");
    StoreResult result = one.run();
    CHECK(result.objects == 20);
    CHECK(result.nameless == 1);
    CHECK(result.damage.empty());
    CHECK(result.ended == Ended::done);
    CHECK(result.all_objects == 20);
    CHECK(result.due_bytes == 0);

    CHECK(one.run().objects == 0);
    one.put_segment(20);
    one.pass(std::chrono::hours(24 * 15));
    CHECK(one.run().objects == 0);
    one.pass(std::chrono::hours(24 * 15));
    CHECK(one.run().objects == 20);  // the last one came later
    one.pass(std::chrono::hours(24 * 15));
    CHECK(one.run().objects == 1);
    CHECK(one.run().objects == 0);
    one.limits.all = true;
    CHECK(one.run().objects == 21);
}

TEST_CASE("Damage is told once as new and then as known, until it is gone") {
    VerifiedStore one;
    const std::string flipped = one.put_segment(1), cut = one.put_segment(2), emptied = one.put_segment(3),
                      sound = one.put_segment(4);
    one.store.objects[flipped][3] ^= 1;
    one.store.objects[cut].pop_back();
    one.store.objects[emptied].clear();
    StoreResult result = one.run();
    REQUIRE(result.damage.size() == 3);
    CHECK(result.damage[0].key == flipped);
    CHECK(result.damage[0].is_new);
    CHECK(result.damage[0].what == "its 9 bytes do not hash to its name");
    CHECK(result.damage[1].what == "its 8 bytes do not hash to its name");
    CHECK(result.damage[2].what == "it is empty");

    one.pass(std::chrono::hours(1));
    one.store.objects.erase(cut);
    one.store.objects[emptied] = "segment 3";
    one.store.gets = 0;
    result = one.run();
    // What is known is looked at in every run, and only that.
    CHECK(one.store.gets == 5);
    REQUIRE(result.damage.size() == 1);
    CHECK_FALSE(result.damage[0].is_new);
    CHECK(result.damage[0].since == "2026-01-31T09:00:00.000Z");
    CHECK(one.said == std::vector<std::string>{"store one: " + cut + ", which was damaged, is gone",
                                               "store one: " + emptied + " was damaged and is sound again"});
    CHECK(one.records.damage("place").size() == 1);
}

TEST_CASE("Bytes that arrive damaged once are no damage") {
    VerifiedStore one;
    const std::string key = one.put_segment(1);
    one.store.change = [](int get, std::string& bytes) {
        if (get == 1) bytes[0] ^= 1;
    };
    const StoreResult result = one.run();
    CHECK(result.damage.empty());
    CHECK(one.said ==
          std::vector<std::string>{"store one: " + key +
                                   " came back with other bytes once, and sound the second time"});
}

TEST_CASE("An object that is gone when it is read is no damage, unless the store still lists it") {
    VerifiedStore one;
    const std::string key = one.put_segment(1);
    one.store.change = [&](int, std::string&) {};
    one.store.is_away = [&](int) { return true; };
    StoreResult result = one.run();
    REQUIRE(result.damage.size() == 1);
    CHECK(result.damage[0].what == "the store lists it and does not have it when it is read");

    VerifiedStore two;
    const std::string gone = two.put_segment(1);
    two.put_segment(2);
    two.store.is_away = [&](int get) {
        if (get == 1) two.store.objects.erase(gone);
        return get == 1;
    };
    result = two.run();
    CHECK(result.damage.empty());
    CHECK(result.objects == 2);
    CHECK(two.said.empty());
}

TEST_CASE("An outage of the store is no damage, and what it hides stays known") {
    VerifiedStore one;
    for (std::uint32_t i = 0; i < 5; ++i) one.put_segment(i);
    const std::string damaged = one.put_segment(5);
    one.store.objects[damaged] = "other";
    CHECK(one.run().damage.size() == 1);

    Ailing store(one.store);
    store.down = true;
    one.limits.all = true;
    const StoreResult result = one.run(nullptr, &store);
    CHECK(result.ended == Ended::trouble);
    REQUIRE(result.trouble);
    CHECK(result.trouble->kind() == ErrorKind::unreachable);
    REQUIRE(result.damage.size() == 1);
    CHECK_FALSE(result.damage[0].is_new);
    CHECK(result.damage[0].key == damaged);
}

TEST_CASE("An object that the store cannot read, while it reads others, is damaged and holds up no other") {
    VerifiedStore one;
    std::vector<std::string> keys;
    for (std::uint32_t i = 0; i < 5; ++i) keys.push_back(one.put_segment(i));
    Ailing store(one.store);
    store.fails = {keys[0], keys[3]};
    const StoreResult result = one.run(nullptr, &store);
    CHECK(result.ended == Ended::done);
    CHECK(result.objects == 5);
    REQUIRE(result.damage.size() == 2);
    CHECK(result.damage[0].key == keys[0]);
    CHECK(result.damage[1].what == "it cannot be read, while others can: answered 500");
}

TEST_CASE("A run that ends anywhere is taken up where it ended, and loses the object under way") {
    for (int stop_after = 1; stop_after <= 12; ++stop_after) {
        VerifiedStore one;
        for (std::uint32_t i = 0; i < 12; ++i) one.put_segment(i);
        Ailing store(one.store);
        store.stop_after = stop_after;
        const StoreResult first = one.run(nullptr, &store);
        CHECK(first.objects == static_cast<std::uint64_t>(stop_after < 12 ? stop_after : 12));
        CHECK(first.ended == (stop_after < 12 ? Ended::stopped : Ended::done));
        store.stop_after = 0;
        const StoreResult second = one.run(nullptr, &store);
        CHECK(first.objects + second.objects == 12);
        CHECK(second.all_objects == 12);
        CHECK(second.due_bytes == 0);
        const std::set<std::string> read(store.read.begin(), store.read.end());
        CHECK(read.size() == 12);
    }
}

TEST_CASE("A budget takes what is longest unread, due or not, and the next run goes on behind it") {
    VerifiedStore one;
    for (std::uint32_t i = 10; i < 20; ++i) one.put_segment(i);  // 10 bytes each
    one.limits.max_bytes = 35;
    StoreResult result = one.run();
    CHECK(result.objects == 3);
    CHECK(result.ended == Ended::max_bytes);
    one.pass(std::chrono::hours(24));
    CHECK(one.run().objects == 3);
    one.pass(std::chrono::hours(24));
    one.limits.max_bytes = 1000;
    result = one.run();
    CHECK(result.objects == 10);
    CHECK(result.ended == Ended::done);

    one.limits.max_bytes.reset();
    one.limits.until = std::chrono::steady_clock::now();
    result = one.run();
    CHECK(result.objects == 0);
    CHECK(result.ended == Ended::time);
}

TEST_CASE("Objects that come and go between two runs are met, and empty spans vanish") {
    VerifiedStore one;
    std::vector<std::string> keys;
    for (std::uint32_t i = 0; i < 30; i += 3) keys.push_back(one.put_segment(i));
    one.run();
    one.pass(std::chrono::hours(24 * 31));
    one.store.objects.erase(keys.back());
    one.store.objects.erase(keys[2]);
    one.put_segment(1);
    one.put_segment(50);
    CHECK(one.run().objects == 9);  // what came last was read when it was put
    one.pass(std::chrono::hours(24 * 31));
    CHECK(one.run().objects == 10);
    for (const auto& [key, bytes] : std::map(one.store.objects)) one.store.objects.erase(key);
    one.pass(std::chrono::hours(24 * 31));
    const StoreResult result = one.run();
    CHECK(result.objects == 0);
    CHECK(result.all_objects == 0);
    CHECK(one.records.verify_spans("place").empty());
}

TEST_CASE("Healing replaces a damaged object by the same object of another store, and touches no other") {
    VerifiedStore one;
    const std::string damaged = one.put_segment(1), sound = one.put_segment(2);
    FakeStore two;
    for (const auto& [key, bytes] : one.store.objects) two.objects["other/" + key] = bytes;
    one.store.objects[damaged] = "damaged";
    Healer healer(one.store, "main/", {source_of(two, "other/main/")}, {});
    StoreResult result = one.run(&healer);
    CHECK(result.damage.empty());
    REQUIRE(result.healed.size() == 1);
    CHECK(result.healed[0].key == damaged);
    CHECK(result.healed[0].healing.from == "two");
    CHECK(one.store.objects[damaged] == "segment 1");
    CHECK(one.store.puts == 1);
    CHECK(one.records.damage("place").empty());
    CHECK(one.run(&healer).healed.empty());
}

TEST_CASE("Where every copy is damaged nothing is written, and it is said") {
    VerifiedStore one;
    const std::string damaged = one.put_segment(1);
    FakeStore two;
    two.objects = one.store.objects;
    two.objects[damaged] = "damaged as well";
    one.store.objects[damaged] = "damaged";
    Healer healer(one.store, "main/", {source_of(two)}, {});
    const StoreResult result = one.run(&healer);
    REQUIRE(result.damage.size() == 1);
    CHECK(result.damage[0].healing.why_not == "no other store has a sound copy of it");
    CHECK(one.store.puts == 0);
    CHECK(one.store.objects[damaged] == "damaged");
}

TEST_CASE("A store that does not answer may have a sound copy: it is not said that none has") {
    VerifiedStore one;
    const std::string damaged = one.put_segment(1);
    one.store.objects[damaged] = "damaged";
    const Source away{"two", "main/", []() -> std::unique_ptr<ObjectStore> {
                          throw Error(ErrorKind::unreachable, "store two: no answer");
                      }};
    Healer healer(one.store, "main/", {away}, {});
    const StoreResult result = one.run(&healer);
    REQUIRE(result.damage.size() == 1);
    CHECK(result.damage[0].healing.why_not == "store two: no answer");
}

TEST_CASE("A segment that another store has in another encoding is healed by that one") {
    VerifiedStore one;
    const std::string damaged = one.put_segment(1);
    one.store.objects[damaged] = "damaged";
    FakeStore two;
    const std::string other = "main/" + wal_key(1, "encoded once more"),
                      bad = "main/" + wal_key(1, "a third time");
    two.objects[bad] = "damaged";
    two.objects[other] = "encoded once more";
    // Another content of that name is no help.
    two.objects["main/" + wal_key(1, "different", "different")] = "different";
    Healer healer(one.store, "main/", {source_of(two)}, {});
    const StoreResult result = one.run(&healer);
    REQUIRE(result.healed.size() == 1);
    CHECK(result.healed[0].healing.other == other);
    CHECK(one.store.objects == std::map<std::string, std::string>{{other, "encoded once more"}});
}

TEST_CASE("A store that does not keep what heals an object is told of, and the damage stays known") {
    VerifiedStore one;
    const std::string damaged = one.put_segment(1);
    FakeStore two;
    two.objects = one.store.objects;
    one.store.objects[damaged] = "damaged";
    one.store.refuse = [](const std::string&) { throw Error(ErrorKind::denied, "the keys may not put"); };
    Healer healer(one.store, "main/", {source_of(two)}, {});
    const StoreResult result = one.run(&healer);
    REQUIRE(result.damage.size() == 1);
    CHECK(result.damage[0].healing.why_not == "the keys may not put");
    CHECK(one.records.damage("place").size() == 1);
}

TEST_CASE("What is missing is told of once as new, and brought from a store that has it") {
    VerifiedStore one;
    const std::string there = one.put_segment(1);
    FakeStore two;
    two.objects = one.store.objects;
    one.store.objects.clear();
    const std::string missing = there.substr(0, there.find("-00000000-"));
    bool back = false;
    const auto run = [&](Healer* healer) {
        Round round{"one", "place", "main/", one.store, [] {}, one.records, one.limits, {}, healer};
        round.now = [&] { return one.now; };
        round.missing = MissingObjects{
            [&] { return back ? std::vector<std::string>{} : std::vector<std::string>{missing}; },
            [&](const std::string& key) { back = key == there; }};
        return verify_store(round, one.view);
    };
    StoreResult result = run(nullptr);
    REQUIRE(result.damage.size() == 1);
    CHECK(result.damage[0].key == missing);
    CHECK(result.damage[0].is_new);
    Healer healer(one.store, "main/", {source_of(two)}, {});
    result = run(&healer);
    CHECK(result.damage.empty());
    REQUIRE(result.healed.size() == 1);
    CHECK(back);
    CHECK(one.store.objects == two.objects);
    CHECK(one.records.damage("place").empty());
}
