#include "archive/listed_gaps.hpp"

#include "archive/archive_sight.hpp"
#include "tests/fake_store.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace walferry::test;

namespace {

struct Listed : DrainHarness {
    std::vector<std::string> gaps(int pages = 10) {
        Ledger record = ledger();
        const auto store = open_store(settings.stores[0], StoreAccess::write, nullptr, {});
        const ObjectKeys keys("", "main", sysid);
        std::vector<std::string> found;
        for (const ListedGap& gap : look_for_listed_gaps(
                 {*store, keys, record, record.active_stores().at(0).id, sysid, 1 << 20, pages}, wall_now()))
            found.push_back(gap.after.substr(20) + "-" + gap.before.substr(20));
        return found;
    }
    void archive(std::initializer_list<unsigned> numbers) {
        for (const unsigned number : numbers) push(wal(number));
        REQUIRE(drain().exit_code == 0);
    }
};

/// Answers with these pages, and fails when there are no more.
struct Failing : FakeStore {
    ObjectPage list(const std::string&, const std::string&) override {
        if (pages.empty()) throw Error(ErrorKind::unreachable, "the store went away");
        ObjectPage page = pages.front();
        pages.erase(pages.begin());
        return page;
    }
    std::vector<ObjectPage> pages;
};

using Gaps = std::vector<std::string>;

}  // namespace

TEST_CASE("A gap in a store's listing is found, remembered, and gone when what was missing has come") {
    Listed h;
    h.archive({1, 2, 3});
    CHECK(h.gaps().empty());
    h.archive({6, 7});
    CHECK(h.gaps() == Gaps{"0003-0006"});
    CHECK(h.gaps(0) == Gaps{"0003-0006"});
    h.archive({4});
    CHECK(h.gaps() == Gaps{"0004-0006"});
    h.archive({5, 9});
    CHECK(h.gaps() == Gaps{"0007-0009"});
    h.archive({8});
    CHECK(h.gaps().empty());
}

TEST_CASE("A gap that is known stays known when the store fails while it is looked at once more") {
    Listed h;
    h.archive({1, 2, 5, 6});
    REQUIRE(h.gaps() == Gaps{"0002-0005"});
    h.archive({3});
    Failing store;
    Ledger record = h.ledger();
    const ObjectKeys keys("", "main", sysid);
    const std::int64_t id = record.active_stores().at(0).id;
    const std::string directory = keys.wal_directory(DrainHarness::wal(1).name);
    // A page, with part of what was missing, and then none.
    const ObjectName object{DrainHarness::wal(3).name, std::string(32, '0'), "00000000", std::string(32, '0'),
                            false};
    store.pages = {{{{directory + object.text(), 1}}, true}};
    CHECK_THROWS_AS(look_for_listed_gaps({store, keys, record, id, sysid, 1 << 20, 10}, wall_now()), Error);
    const auto kept = record.listed_gaps(id, sysid);
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].after == DrainHarness::wal(2).name);
    CHECK(kept[0].before == DrainHarness::wal(5).name);
    CHECK(h.gaps() == Gaps{"0003-0005"});
}

TEST_CASE("The border between two logs is no gap") {
    Listed h;
    WalFile last;
    last.name = "000000010000000000000FFF";
    WalFile first;
    first.name = "000000010000000100000000";
    h.push(last);
    h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    CHECK(h.gaps().empty());
}

TEST_CASE("What a store holds is seen whichever host put it there, and a backup counts with its label only") {
    Listed one;
    Listed two;
    two.settings.stores = one.settings.stores;
    one.archive({1, 2});
    two.archive({1});
    WalFile next = DrainHarness::wal(2);
    next.name[7] = '2';
    one.push(next);
    REQUIRE(one.drain().exit_code == 0);
    const std::string folder = one.store_path("a") + "/main/" + std::to_string(sysid) + "/backup/";
    for (const char* id : {"20260101T000000Z-00000001", "20260102T000000Z-00000002"})
        std::filesystem::create_directories(folder + id);
    std::ofstream(folder + "20260101T000000Z-00000001/label-x") << "x";
    std::ofstream(folder + "20260102T000000Z-00000002/base.00000000-x") << "x";
    Ledger ledger = two.ledger();
    note_archive(two.settings, ledger, sysid, {});
    const auto sights = ledger.sights(sysid);
    REQUIRE(sights.size() == 2);
    CHECK(sights[0].store == "a");
    CHECK(sights[0].newest_segment == next.name);
    CHECK(sights[0].newest_backup == "20260101T000000Z-00000001");
    CHECK_FALSE(sights[0].backup_is_ours);
    CHECK(sights[1].newest_backup.empty());
}
