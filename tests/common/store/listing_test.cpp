#include "common/store/listing.hpp"

#include <algorithm>

#include "tests/catch.hpp"
#include "tests/fake_store.hpp"

using namespace walferry;
using walferry::test::FakeStore;

namespace {

/// A store whose pages hold `keys_a_page` keys; counts its pages.
class PagedStore : public FakeStore {
  public:
    explicit PagedStore(std::size_t keys_a_page) : keys_a_page_(keys_a_page) {}
    ObjectPage list(const std::string& prefix, const std::string& start_after) override {
        ++pages;
        ObjectPage page = FakeStore::list(prefix, start_after);
        page.more = page.objects.size() > keys_a_page_;
        page.objects.resize(std::min(page.objects.size(), keys_a_page_));
        return page;
    }
    int pages = 0;

  private:
    std::size_t keys_a_page_;
};

std::string all(Listing listing) {
    std::string keys;
    for (const ObjectInfo& info : listing) keys += info.key + " ";
    return keys;
}

}  // namespace

TEST_CASE("A listing gives every key under a prefix once, whatever the size of a page") {
    const auto page = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000});
    PagedStore store(page);
    for (const char* key : {"a/1", "b/1", "b/2", "b/3", "b/4", "c/1"}) store.objects[key] = {};
    CHECK(all(Listing(store, "b/")) == "b/1 b/2 b/3 b/4 ");
    CHECK(all(Listing(store, "b/", "b/2")) == "b/3 b/4 ");
    CHECK(all(Listing(store, "d/")).empty());
    CHECK(all(Listing(store, "")) == "a/1 b/1 b/2 b/3 b/4 c/1 ");
}

TEST_CASE("A listing ends where its pages are used up") {
    PagedStore store(2);
    for (const char* key : {"b/1", "b/2", "b/3"}) store.objects[key] = {};
    Listing listing(store, "b/", {}, 1);
    std::string keys;
    for (const ObjectInfo& info : listing) keys += info.key + " ";
    CHECK(keys == "b/1 b/2 ");
    CHECK(listing.pages_left() == 0);
}

TEST_CASE("What is skipped in a listing costs no page of its own") {
    const auto page = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{1000});
    PagedStore store(page);
    for (const char* key : {"r/a/1", "r/a/2", "r/a/3", "r/b/1", "r/c"}) store.objects[key] = {};
    CHECK(list_folders(store, "r/") == std::vector<std::string>{"a", "b", "c"});
    CHECK(store.pages <= 4);
    CHECK(list_folders(store, "r/", "a0") == std::vector<std::string>{"b", "c"});
    CHECK(list_folders(store, "s/").empty());
}

TEST_CASE("A store that promises more and gives nothing ends a listing") {
    class Liar : public FakeStore {
      public:
        ObjectPage list(const std::string&, const std::string&) override { return {{}, true}; }
    } store;
    CHECK(all(Listing(store, "b/")).empty());
}
