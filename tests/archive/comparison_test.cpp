#include "archive/comparison.hpp"

#include "common/store/object_store.hpp"
#include "common/store/stores.hpp"
#include "console/exit_code.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"
#include "uploader/rebuild/rebuild.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace walferry::console;
using namespace walferry::rebuild;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

std::string name_of(unsigned number) {
    return DrainHarness::wal(number).name;
}

struct ComparedHarness : DrainHarness {
    explicit ComparedHarness(unsigned segments) {
        for (unsigned i = 1; i <= segments; ++i) push(DrainHarness::wal(i));
        CHECK(drain().exit_code == exit_code::done);
    }

    CompareResult compare(std::size_t most = SIZE_MAX) const {
        Ledger known = ledger();
        const auto store = open_store(settings.stores[0], StoreAccess::write);
        return compare_with_listings(known, *store, {"", "main", id(), most, {}, {}}, wall_now());
    }
    std::int64_t id() const { return ledger().active_stores().at(0).id; }
    fs::path object(unsigned number) const {
        for (const auto& entry : fs::recursive_directory_iterator(store_path("a"))) {
            if (entry.path().filename().string().starts_with(name_of(number))) return entry.path();
        }
        return {};
    }
    std::string state(unsigned number) const {
        for (const ListRow& row : ledger().list(std::nullopt, "a")) {
            if (row.name == name_of(number)) return row.state;
        }
        return "";
    }
};

}  // namespace

TEST_CASE(
    "What a store has lost of that which was verified there is told, written down, and told when it is "
    "back") {
    ComparedHarness h(5);
    CHECK(h.compare().compared == 5);
    CHECK(h.ledger().comparison(h.id(), wall_now()).seen_since);
    const fs::path object = h.object(2);
    fs::rename(object, h.dir.path() + "/taken");
    const CompareResult found = h.compare();
    CHECK(found.lost == std::vector{name_of(2)});
    CHECK(found.whole);
    CHECK(h.state(2) == "pending");
    CHECK(h.ledger().lost(h.id()).count == 1);
    CHECK(h.ledger().lost(h.id()).first == name_of(2));
    CHECK(PushLedger(h.spool()).ask(sysid, *WalName::parse(name_of(2)),
                                    fingerprint_of(DrainHarness::wal(2).bytes())) == LedgerAnswer::known);
    CHECK(h.compare().lost.empty());
    fs::rename(h.dir.path() + "/taken", object);
    CHECK(h.compare().back == 1);
    CHECK(h.state(2) == "stored");
    CHECK(h.ledger().lost(h.id()).count == 0);
}

TEST_CASE("Another object of the same content is as good, another content is not") {
    ComparedHarness h(3);
    const auto renamed = [&](unsigned number, std::size_t at) {
        const fs::path object = h.object(number);
        std::string name = object.filename();
        name[at] = name[at] == '0' ? '1' : '0';
        fs::rename(object, object.parent_path() / name);
    };
    renamed(1, name_of(1).size() + 1 + 32 + 1 + 8 + 1);  // another hash
    renamed(2, name_of(2).size() + 1);                   // another fingerprint
    CHECK(h.compare().lost == std::vector{name_of(2)});
}

TEST_CASE("A comparison goes on where the last one ended, and begins again when it is through") {
    ComparedHarness h(7);
    CHECK(h.compare(3).compared == 3);
    fs::remove(h.object(1));
    fs::remove(h.object(6));
    CHECK(h.compare(3).lost == std::vector{name_of(6)});
    CHECK_FALSE(h.ledger().comparison(h.id(), wall_now()).seen_since);
    const CompareResult last = h.compare(3);
    CHECK(last.compared == 1);
    CHECK(last.whole);
    CHECK(h.ledger().comparison(h.id(), wall_now()).seen_since);
    CHECK(h.compare(3).lost == std::vector{name_of(1)});
    Ledger known = h.ledger();
    const auto store = open_store(h.settings.stores[0], StoreAccess::write);
    fs::remove(h.object(7));
    const CompareResult newest = compare_newest(known, *store, {"", "main", h.id(), 10, {}},
                                                known.newest_verified("a").value(), 1, wall_now());
    CHECK(newest.lost == std::vector{name_of(7)});
}

TEST_CASE("A plain rebuild learns what the stores have lost; what was lost can be imported or pushed again") {
    ComparedHarness h(3);
    fs::remove(h.object(2));
    console::Outcome outcome([&](const std::string& line) { h.said.push_back(line); });
    CHECK(rebuild_ledger(h.settings, {}, outcome, {}, [](const std::string&) {}).lost == 1);
    CHECK(outcome.exit_code() == exit_code::integrity);
    CHECK(h.said_something_with("store a has lost 1 segment that was verified there, such as " + name_of(2)));
    h.push(DrainHarness::wal(2), false);
    CHECK(h.drain().exit_code == exit_code::done);
    CHECK(h.state(2) == "verified");
    CHECK(h.spooled() == 0);
}
