// What every store must do, run against each of them (docs/stores.md).
#include <algorithm>
#include <thread>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/contract/store_under_test.hpp"

using namespace walferry;
using namespace walferry::contract;

namespace {

std::string fetch(ObjectStore& store, const std::string& key) {
    Collector collector;
    store.get(key, collector);
    CHECK(collector.attempts == 1);
    return collector.text;
}

PutResult put(ObjectStore& store, const std::string& key, const Sample& sample) {
    return store.put(key, sample, sample.digest());
}

template <typename Call>
ErrorKind kind_of_failure(Call call) {
    try {
        call();
    } catch (const Error& error) {
        INFO(error.what());
        return error.kind();
    }
    FAIL("it should have failed");
    return ErrorKind::internal;
}

/// All keys with the prefix, page by page.
std::vector<ObjectInfo> list_all(ObjectStore& store, const std::string& prefix, int& pages) {
    std::vector<ObjectInfo> all;
    std::string after;
    for (pages = 1;; ++pages) {
        const ObjectPage page = store.list(prefix, after);
        all.insert(all.end(), page.objects.begin(), page.objects.end());
        if (!page.more) return all;
        after = page.objects.back().key;
    }
}

const std::string object_name =
    "wal/00000001/000000010000000A000000FF.00000028.backup-0123456789abcdef0123456789abcdef-deadbeef-"
    "fedcba9876543210fedcba9876543210.zst.age";

}  // namespace

TEST_CASE("what was put is what one gets, whatever its size", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string prefix = under_test.fresh_prefix();
            unsigned seed = 0;
            for (const std::size_t size : {0UL, 1UL, 4095UL, 300'000UL, 5UL << 20}) {
                INFO(size << " bytes");
                const Sample sample = Sample::random(size, ++seed);
                const std::string key = prefix + std::to_string(size);
                CHECK(put(*store, key, sample) == PutResult::stored);
                CHECK((fetch(*store, key) == sample.text()));
                const auto info = store->head(key);
                REQUIRE(info);
                CHECK(info->key == key);
                CHECK(info->size == size);
            }
        }
    }
}

TEST_CASE("a part of an object is what lies there, and no more", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string key = under_test.fresh_prefix() + "parts";
            const Sample sample = Sample::random(300'000, 7);
            put(*store, key, sample);
            const auto part = [&](std::uint64_t offset, std::uint64_t length) {
                Collector collector;
                store->get_range(key, offset, length, collector);
                CHECK(collector.attempts == 1);
                return collector.text;
            };
            CHECK((part(0, 1) == sample.text().substr(0, 1)));
            CHECK((part(0, 300'000) == sample.text()));
            CHECK((part(4096, 70'000) == sample.text().substr(4096, 70'000)));
            CHECK((part(299'999, 1) == sample.text().substr(299'999)));
            CHECK((part(200'000, 200'000) == sample.text().substr(200'000)));
            CHECK(kind_of_failure([&] { part(300'000, 1); }) == ErrorKind::rejected);
            Collector nothing;
            CHECK(kind_of_failure([&] { store->get_range(key + "-missing", 0, 10, nothing); }) ==
                  ErrorKind::not_found);
        }
    }
}

TEST_CASE("an object's name comes through every operation unchanged", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string prefix = under_test.fresh_prefix();
            const Sample sample("x");
            for (const std::string& name : {object_name, std::string("settled/00000002.history-0123"),
                                            std::string("odd/a~b_c(1)!'*+=&,;@:$ %41.zst")}) {
                const std::string key = prefix + name;
                INFO(key);
                put(*store, key, sample);
                CHECK(fetch(*store, key) == "x");
                CHECK(store->head(key));
                const ObjectPage page = store->list(key, "");
                REQUIRE(page.objects.size() == 1);
                CHECK(page.objects.front().key == key);
                CHECK(page.objects.front().size == 1);
                store->remove(key);
                CHECK_FALSE(store->head(key));
            }
        }
    }
}

TEST_CASE("putting the same object again is success and changes nothing", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string key = under_test.fresh_prefix() + "again";
            const Sample sample = Sample::random(100'000, 7);
            CHECK(put(*store, key, sample) == PutResult::stored);
            CHECK_NOTHROW(put(*store, key, sample));
            CHECK_NOTHROW(put(*store, key, sample));
            CHECK((fetch(*store, key) == sample.text()));
            CHECK(store->list(key, "").objects.size() == 1);
        }
    }
}

TEST_CASE("an object that is not there is told from a failure", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string key = under_test.fresh_prefix() + "missing";
            Collector collector;
            CHECK(kind_of_failure([&] { store->get(key, collector); }) == ErrorKind::not_found);
            CHECK(collector.text.empty());
            CHECK_FALSE(store->head(key));
            CHECK(store->list(key, "").objects.empty());
        }
    }
}

TEST_CASE("removing is final, and removing what is not there is fine", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string prefix = under_test.fresh_prefix();
            put(*store, prefix + "a", Sample("1"));
            put(*store, prefix + "b", Sample("2"));
            store->remove(prefix + "a");
            CHECK_NOTHROW(store->remove(prefix + "a"));
            CHECK_NOTHROW(store->remove(prefix + "never/was"));
            CHECK_FALSE(store->head(prefix + "a"));
            CHECK(fetch(*store, prefix + "b") == "2");
        }
    }
}

TEST_CASE("a listing is in byte order, begins with the prefix and follows the key given", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string prefix = under_test.fresh_prefix();
            // '-' < '.' < '/' < '0' < 'A' < '_' < 'a': a walk by directories would sort these differently.
            std::vector<std::string> names = {"a",  "a-b",     "a.b",   "a/b",   "a/b/c", "a0",
                                              "aA", "wal/1/x", "wal/2", "wal_3", "B"};
            // One path cannot be a file and a directory at once.
            if (under_test.settings.type == StoreType::directory) {
                names = {"a-b", "a.b",     "a/b.c/d", "a/b/c", "a/b0", "a0",
                         "aA",  "wal/1/x", "wal/2",   "wal_3", "B"};
            }
            for (const std::string& name : names) put(*store, prefix + name, Sample(name));
            std::sort(names.begin(), names.end());

            for (std::size_t after = 0; after <= names.size(); ++after) {
                const std::string start_after = after == 0 ? "" : prefix + names[after - 1];
                INFO("after " << start_after);
                const ObjectPage page = store->list(prefix, start_after);
                CHECK_FALSE(page.more);
                REQUIRE(page.objects.size() == names.size() - after);
                for (std::size_t i = 0; i < page.objects.size(); ++i) {
                    CHECK(page.objects[i].key == prefix + names[after + i]);
                    CHECK(page.objects[i].size == names[after + i].size());
                }
            }
            CHECK(store->list(prefix + "wal/", "").objects.size() == 2);
            CHECK(store->list(prefix + "wal", "").objects.size() == 3);
            CHECK(store->list(prefix + "wal/1/", prefix + "wal/1/x").objects.empty());
            CHECK(store->list(prefix + "wal/", prefix + "zzz").objects.empty());
            // A key that does not exist is as good a place to start as any other.
            CHECK(store->list(prefix, prefix + "wal/1/w").objects.front().key == prefix + "wal/1/x");
        }
    }
}

TEST_CASE("A listing says when each object was stored, and by which id it is removed for good",
          "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string prefix = under_test.fresh_prefix();
            for (const char* name : {"a", "b", "c"}) put(*store, prefix + name, Sample(name));
            const auto recent = [](const std::optional<WallTime>& time) {
                return time && wall_now() - *time < std::chrono::minutes(5) &&
                       *time - wall_now() < std::chrono::minutes(5);
            };
            for (const ObjectInfo& info : store->list(prefix, "").objects) CHECK(recent(info.modified));

            VersionPage page = store->list_versions(prefix, "", "");
            REQUIRE(page.versions.size() == 3);
            CHECK_FALSE(page.more);
            for (const ObjectVersion& version : page.versions) {
                CHECK(recent(version.modified));
                CHECK(version.latest);
                CHECK_FALSE(version.delete_marker);
                CHECK(version.size == 1);
            }
            const ObjectVersion second = page.versions[1];
            CHECK(second.key == prefix + "b");
            store->remove_version(second.key, second.id);
            CHECK_NOTHROW(store->remove_version(second.key, second.id));
            page = store->list_versions(prefix, "", "");
            REQUIRE(page.versions.size() == 2);
            CHECK(page.versions[0].key == prefix + "a");
            CHECK(page.versions[1].key == prefix + "c");
            CHECK(store->list_versions(prefix + "none", "", "").versions.empty());
        }
    }
}

TEST_CASE("more than a thousand objects are listed page by page, each once", "[contract]") {
    static constexpr int count = 1100;
    static constexpr int workers = 4;
    for (const StoreUnderTest& under_test : stores_under_test()) {
        if (!under_test.thorough) continue;
        DYNAMIC_SECTION(under_test.name) {
            const std::string prefix = under_test.fresh_prefix();
            std::vector<std::string> failures(workers);
            {
                std::vector<std::jthread> threads;
                for (int worker = 0; worker < workers; ++worker) {
                    threads.emplace_back([&, worker] {
                        try {
                            const auto store = under_test.open();
                            const Sample sample("");
                            for (int i = worker; i < count; i += workers) {
                                store->put(prefix + std::to_string(10'000 + i), sample, sample.digest());
                            }
                        } catch (const std::exception& error) {
                            failures[static_cast<std::size_t>(worker)] = error.what();
                        }
                    });
                }
            }
            for (const std::string& failure : failures) CHECK(failure.empty());

            const auto store = under_test.open();
            int pages = 0;
            const std::vector<ObjectInfo> all = list_all(*store, prefix, pages);
            CHECK(pages == 2);
            REQUIRE(all.size() == count);
            bool in_order = true;
            for (std::size_t i = 0; i < all.size(); ++i) {
                in_order = in_order && all[i].key == prefix + std::to_string(10'000 + i);
            }
            CHECK(in_order);

            std::vector<std::string> versions;
            VersionPage page;
            do {
                page = store->list_versions(prefix, page.next_key, page.next_id);
                for (const ObjectVersion& version : page.versions) versions.push_back(version.key);
            } while (page.more && versions.size() < 2 * count);
            REQUIRE(versions.size() == count);
            CHECK(versions.front() == all.front().key);
            CHECK(versions.back() == all.back().key);
        }
    }
}

TEST_CASE("a store that was asked to stop does nothing more", "[contract]") {
    for (const StoreUnderTest& under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            std::stop_source stop;
            const auto store = under_test.open(stop.get_token());
            const std::string key = under_test.fresh_prefix() + "stopped";
            stop.request_stop();
            CHECK(kind_of_failure([&] { put(*store, key, Sample("x")); }) == ErrorKind::interrupted);
            Collector collector;
            CHECK(kind_of_failure([&] { store->get(key, collector); }) == ErrorKind::interrupted);
            CHECK(kind_of_failure([&] { store->list(key, ""); }) == ErrorKind::interrupted);
        }
    }
}

TEST_CASE("a missing bucket or directory is named as such by every operation", "[contract]") {
    for (StoreUnderTest under_test : stores_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            under_test.settings.bucket = "no-such-bucket-here";
            under_test.settings.path += "/no-such-directory";
            const std::string key = "contract/x";
            const Sample sample("x");
            Collector collector;
            // A store for each: the breaker would answer the third call.
            const auto fails = [&](auto call) {
                const auto store = under_test.open();
                return kind_of_failure([&] { call(*store); });
            };
            CHECK(fails([&](ObjectStore& store) { put(store, key, sample); }) == ErrorKind::no_bucket);
            CHECK(fails([&](ObjectStore& store) { store.get(key, collector); }) == ErrorKind::no_bucket);
            CHECK(fails([&](ObjectStore& store) { store.head(key); }) == ErrorKind::no_bucket);
            CHECK(fails([&](ObjectStore& store) { store.list("contract/", ""); }) == ErrorKind::no_bucket);
            CHECK(fails([&](ObjectStore& store) { store.remove(key); }) == ErrorKind::no_bucket);
        }
    }
}
