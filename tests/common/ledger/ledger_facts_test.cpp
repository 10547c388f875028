#include <filesystem>
#include <set>

#include "common/ledger/ledger.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t cluster = 7301234567890123456;
const std::string content(32, 'a');

struct Place {
    Place() {
        fs::create_directories(dir / "ledger");
        ledger = std::make_unique<Ledger>(spool, Ledger::Open::create);
        store = ledger->add_store({"one", "directory", "/srv/one", "", ""}, wall_now());
    }
    std::int64_t segment(const std::string& name) const {
        return ledger->adopt(cluster, *WalName::parse(name), content, 16 << 20, wall_now());
    }
    void verify(std::int64_t segment) const {
        const VerifiedObject object{segment, "key" + std::to_string(segment), 1, std::string(64, 'b')};
        ledger->begin_put(store, object, false);
        ledger->verified(store, std::vector{object}, {}, wall_now());
    }

    TempDir dir;
    SpoolPaths spool{dir.path()};
    std::unique_ptr<Ledger> ledger;
    std::int64_t store = 0;
};

std::string names(const std::vector<KnownFacts>& rows) {
    std::string text;
    for (const KnownFacts& row : rows) text += row.name.substr(22) + (row.text ? "+ " : "- ");
    return text;
}

}  // namespace

TEST_CASE(
    "Facts are found by the time of what happened, backwards along a timeline, and by what lacks them") {
    const Place place;
    Ledger& ledger = *place.ledger;
    std::vector<std::int64_t> ids;
    for (const char* digits : {"01", "02", "03", "04"})
        ids.push_back(place.segment(std::string("0000000100000000000000") + digits));
    const auto between = [&](std::uint64_t of, const char* since, const char* until) {
        std::vector<KnownFacts> rows;
        for (const std::int64_t segment : ledger.segments_between(of, since, until))
            rows.push_back(ledger.facts_of(segment).value());
        return rows;
    };
    const auto note = [&](std::size_t which, const char* first, const char* last, int events) {
        ledger.note_facts(ids[which], {"{}", first, last, std::nullopt, events});
    };
    note(0, "2026-01-31T09:00:00.000000Z", "2026-01-31T09:10:00.000000Z", 1);
    note(1, "2026-01-31T09:10:00.000001Z", "2026-01-31T09:20:00.000000Z", 0);
    note(3, "2026-01-31T09:30:00.000000Z", "2026-01-31T09:40:00.000000Z", 2);
    CHECK(names(between(cluster, "", "9")) == "01+ 04+ ");
    CHECK(names(between(cluster, "2026-01-31T09:10:00.000000Z", "2026-01-31T09:29")) == "01+ ");
    CHECK(names(between(cluster, "2026-01-31T09:10:00.000001Z", "9")) == "04+ ");
    CHECK(names(between(cluster + 1, "", "9")).empty());
    CHECK(names(ledger.facts_up_to(cluster, "000000010000000000000003", 2)) == "03- 02+ ");
    CHECK(names(ledger.without_facts(cluster, "", "", 10)) == "03- ");
    CHECK(ledger.facts_of(cluster, "000000010000000000000004")->text == "{}");
    CHECK_FALSE(ledger.facts_of(cluster, "000000010000000000000005"));
    note(3, "2027-01-31T09:30:00.000000Z", "2027-01-31T09:40:00.000000Z", 0);
    CHECK(names(between(cluster, "", "9")) == "01+ ");
}

TEST_CASE("The first segment that a store lacks is the one that waits, was lost, or never came there") {
    const Place place;
    Ledger& ledger = *place.ledger;
    const std::string first = "000000010000000000000001", fourth = "000000010000000000000004";
    std::vector<std::int64_t> ids;
    for (const char* digits : {"01", "02", "03", "04"})
        ids.push_back(place.segment(std::string("0000000100000000000000") + digits));
    const auto lacks = [&](const std::string& from) {
        return ledger.first_unverified(cluster, place.store, from, fourth)
            .value_or(std::string(24, '-'))
            .substr(22);
    };
    CHECK(lacks(first) == "01");
    for (const std::int64_t id : ids) place.verify(id);
    CHECK(ledger.first_unverified(cluster, place.store, first, fourth) == std::nullopt);
    for (const std::int64_t id : ids) ledger.removed(id, wall_now());
    ledger.lose(place.store, std::vector{ids[2]}, "gone");
    CHECK(lacks(first) == "03");
    CHECK(ledger.first_unverified(cluster, place.store, first, "000000010000000000000002") == std::nullopt);
    CHECK(ledger.first_unverified(cluster, place.store, fourth, fourth) == std::nullopt);
    CHECK(ledger.wal_runs(cluster).size() == 1);
    // Another store never had any of it.
    const auto other = ledger.add_store({"two", "directory", "/srv/two", "", ""}, wall_now());
    CHECK(ledger.first_unverified(cluster, other, first, fourth) == first);
    // Which content is right is not settled.
    ledger.add_conflict({ids[1], std::nullopt, content, std::string(32, 'b')}, wall_now());
    CHECK(lacks(first) == "02");
    ledger.settle(cluster, "000000010000000000000002", wall_now());
    CHECK(lacks(first) == "03");
}
