#include <algorithm>
#include <mutex>

#include "common/codec/digest.hpp"
#include "maintenance/sync/copier.hpp"
#include "maintenance/sync/missing_objects.hpp"
#include "tests/catch.hpp"
#include "tests/shared_fake_store.hpp"

using namespace walferry;
using namespace walferry::sync;
using walferry::test::FakeStore;
using walferry::test::SharedFakeStore;

namespace {

const std::string whole = "20260124T121314Z-1a2b3c4d";  // has its label
const std::string unfinished = "20260125T121314Z-1a2b3c4d";

std::string digest_of(const std::string& bytes) {
    Sha256 sha256;
    sha256.update(as_bytes(bytes));
    return hex(sha256.finish()).substr(0, 32);
}

std::string wal(const std::string& segment, char fingerprint, const std::string& bytes) {
    return "wal/" + segment.substr(0, 8) + "/" + segment + "-" + std::string(32, fingerprint) + "-deadbeef-" +
           digest_of(bytes) + ".zst.age";
}

std::string part(const std::string& backup, const std::string& name, const std::string& bytes) {
    return "backup/" + backup + "/" + name + "-" + std::string(32, 'f') + "-deadbeef-" + digest_of(bytes) +
           ".zst.age";
}

std::string index_of(const std::string& backup, const std::string& bytes) {
    return "backup/" + backup + "/index-" + digest_of(bytes) + ".json.zst";
}

/// A destination and two sources, each under a root of its own.
struct World {
    SharedFakeStore to, one, two;
    std::vector<std::string> roots{"to/main/7/", "main/7/", "deep/er/main/7/"};

    SharedFakeStore& store(std::size_t i) { return i == 0 ? to : i == 1 ? one : two; }
    void put(std::size_t i, const std::string& tail, const std::string& bytes) {
        store(i).with([&](FakeStore& fake) { return fake.objects[roots[i] + tail] = bytes; });
    }
    bool has(std::size_t i, const std::string& tail) {
        return store(i).with([&](FakeStore& fake) { return fake.objects.contains(roots[i] + tail); });
    }
    std::vector<Copier::Way> ways() {
        std::vector<Copier::Way> ways;
        for (std::size_t i = 0; i < 3; ++i)
            ways.push_back({std::to_string(i), roots[i],
                            [this, i](const std::stop_token& stop) { return store(i).connect(stop); }});
        return ways;
    }
    std::vector<Missing> missing(const Wanted& wanted = {}, LeftOut* left = nullptr) {
        std::vector<std::unique_ptr<ObjectStore>> connections;
        std::vector<Place> places;
        for (std::size_t i = 0; i < 3; ++i) {
            connections.push_back(store(i).connect({}));
            places.push_back({std::to_string(i), connections.back().get(), roots[i]});
        }
        MergedStores stores(std::move(places));
        std::vector<Missing> found;
        const LeftOut out =
            find_missing(stores, wanted, {}, [&](Missing each) { found.push_back(std::move(each)); });
        if (left != nullptr) *left = out;
        return found;
    }
};

std::vector<std::string> tails(const std::vector<Missing>& missing) {
    std::vector<std::string> all;
    for (const Missing& each : missing) all.push_back(each.tail);
    return all;
}

}  // namespace

TEST_CASE("What a store lacks is found in the others, what makes a backup exist last") {
    World world;
    const std::string first = wal("000000010000000000000001", 'a', "1"),
                      second = wal("000000010000000000000002", 'a', "2");
    world.put(0, first, "1");
    world.put(1, first, "1");
    world.put(1, second, "2");
    world.put(2, second, "2");
    const std::string piece = part(whole, "base.00000000", "p"), label = part(whole, "label", "l"),
                      manifest = part(whole, "manifest.00000000", "m"), index = index_of(whole, "i");
    for (const auto& [tail, bytes] : {std::pair(piece, "p"), {label, "l"}, {manifest, "m"}, {index, "i"}})
        world.put(2, tail, bytes);
    world.put(2, "backup/" + whole + "/begin-" + std::string(32, '0') + ".json", "b");
    world.put(1, part(unfinished, "base.00000000", "u"), "u");
    world.put(1, "mark/mark-" + std::string(32, '0') + ".json", "x");
    const std::string settled =
        "settled/000000010000000000000001-" + std::string(32, 'a') + "-" + digest_of("s") + ".json";
    world.put(1, settled, "s");
    world.put(1, "wal/00000001/notes", "none of walferry's");

    LeftOut left;
    const auto missing = world.missing({}, &left);
    CHECK(tails(missing) == std::vector<std::string>{second, piece, manifest, settled, index, label});
    CHECK(missing[0].sources == std::vector<std::size_t>{1, 2});
    CHECK(missing[0].sha256 == digest_of("2"));
    CHECK(missing[1].backup == whole);
    CHECK(left.there == Amount{1, 1});
    CHECK(left.unfinished == Amount{1, 1});
    CHECK(left.unknown.objects == 1);
}

TEST_CASE("Of several encodings of one content one is brought, and none where the store has another one") {
    World world;
    const std::string here = wal("000000010000000000000001", 'a', "x"),
                      other = wal("000000010000000000000001", 'a', "y"),
                      differs = wal("000000010000000000000001", 'b', "z");
    world.put(0, here, "x");
    world.put(1, other, "y");
    world.put(1, differs, "z");
    CHECK(tails(world.missing()) == std::vector<std::string>{differs});
    world.to.with([&](FakeStore& fake) { fake.objects.clear(); });
    world.put(2, here, "x");
    CHECK(world.missing().size() == 2);
}

TEST_CASE("What the destination would not keep is not brought, nor what is older than asked for") {
    World world;
    const std::string old = wal("000000010000000000000001", 'a', "1"),
                      fresh = wal("000000010000000000000002", 'a', "2");
    world.put(1, old, "1");
    world.put(1, fresh, "2");
    for (const auto& [name, bytes] : {std::pair("base.00000000", "p"), {"label", "l"}})
        world.put(1, part(whole, name, bytes), bytes);
    LeftOut left;
    Wanted wanted;
    wanted.stays = [&](const std::string& tail) { return tail == fresh; };
    CHECK(tails(world.missing(wanted, &left)) == std::vector<std::string>{fresh});
    CHECK(left.expiring == Amount{3, 3});
    wanted = {};
    wanted.since = *parse_time("2026-01-25T00:00:00.000Z");
    CHECK(tails(world.missing(wanted, &left)) == std::vector<std::string>{old, fresh});  // of unknown age
    CHECK(left.older == Amount{2, 2});
}

TEST_CASE("An object that is damaged in one store comes from another; one that is sound nowhere is named") {
    World world;
    const std::string segment = wal("000000010000000000000001", 'a', "good"),
                      lost = wal("000000010000000000000002", 'a', "lost");
    world.put(1, segment, "evil");
    world.put(2, segment, "good");
    world.put(1, lost, "evil");
    const std::string piece = part(whole, "base.00000000", "p");
    world.put(1, piece, "q");
    Copier copier(world.ways(), {2, 1 << 20, "", {}});
    copier.bring({segment, digest_of("good"), 4, {1, 2}, Stage::bulk, {}});
    copier.bring({lost, digest_of("lost"), 4, {1}, Stage::bulk, {}});
    copier.bring({piece, digest_of("p"), 1, {1}, Stage::bulk, whole});
    copier.settle();
    const Copier::Done done = copier.done();
    CHECK(done.brought == Amount{1, 4});
    CHECK(done.damaged.size() == 2);
    CHECK(done.failed.empty());
    CHECK_FALSE(done.ended);
    CHECK(world.has(0, segment));
    CHECK_FALSE(world.has(0, lost));
    CHECK(copier.lacks_part(whole));
    CHECK_FALSE(copier.lacks_part(unfinished));
}

TEST_CASE("A destination that takes nothing ends the copying, however much is queued") {
    World world;
    world.to.with([](FakeStore& fake) {
        fake.refuse = [](const std::string&) { throw Error(ErrorKind::no_space, "the disk is full"); };
    });
    Copier copier(world.ways(), {2, 1 << 20, "", {}});
    bool taken = true;
    for (int i = 0; i < 3000 && taken; ++i) {
        const std::string bytes = std::to_string(i);
        const std::string tail = wal("000000010000000000000001", 'a', bytes);
        world.put(1, tail, bytes);
        taken = copier.bring({tail, digest_of(bytes), bytes.size(), {1}, Stage::bulk, {}});
    }
    CHECK_FALSE(taken);
    copier.settle();
    REQUIRE(copier.done().ended);
    CHECK(copier.done().ended->kind() == ErrorKind::no_space);
    CHECK(copier.done().brought.objects == 0);
}

TEST_CASE("Several stores are listed as one, page by page, each key once and none left out") {
    class Paged : public FakeStore {
      public:
        ObjectPage list(const std::string& prefix, const std::string& start_after) override {
            ObjectPage page = FakeStore::list(prefix, start_after);
            page.more = page.objects.size() > 3;
            page.objects.resize(std::min<std::size_t>(page.objects.size(), 3));
            return page;
        }
    };
    Paged a, b, c;
    std::vector<std::string> expected;
    for (int i = 100; i < 140; ++i) {
        const std::string tail = "wal/" + std::to_string(i);
        if (i % 2 == 0) a.objects["a/" + tail] = "x";
        if (i % 3 == 0) b.objects["b/" + tail] = "x";
        if (i % 7 == 0) c.objects["c/" + tail] = "x";
        if (i % 2 == 0 || i % 3 == 0 || i % 7 == 0) expected.push_back("a/" + tail);
    }
    MergedStores stores({{"a", &a, "a/"}, {"b", &b, "b/"}, {"c", &c, "c/"}});
    std::vector<std::string> keys;
    std::string after;
    for (bool more = true; more;) {
        const ObjectPage page = stores.list("a/wal/", after);
        REQUIRE(!page.objects.empty());
        for (const ObjectInfo& info : page.objects) keys.push_back(info.key);
        after = keys.back();
        more = page.more;
    }
    CHECK(keys == expected);
    CHECK(stores.head("a/wal/105"));  // of the second and the third
    CHECK_FALSE(stores.head("a/wal/101"));
}
