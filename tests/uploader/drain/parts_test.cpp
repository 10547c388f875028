#include <thread>

#include "common/error.hpp"
#include "console/exit_code.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"
#include "uploader/drain/agenda.hpp"
#include "uploader/drain/confirmation.hpp"
#include "uploader/drain/next_attempt.hpp"
#include "uploader/drain/progress.hpp"

using namespace walferry;
using namespace walferry::console;
using namespace walferry::drain;
using namespace walferry::test;
using std::chrono::milliseconds;

TEST_CASE("Of several exit codes the one that matters most is told") {
    CHECK(worse_exit(0, 0) == 0);
    CHECK(worse_exit(4, 0) == 4);
    CHECK(worse_exit(4, 1) == 1);
    CHECK(worse_exit(5, 4) == 5);
    CHECK(worse_exit(1, 3) == 3);
    CHECK(worse_exit(3, 2) == 2);
}

TEST_CASE("Backoff grows, is bounded, and a jumped clock does not stretch it") {
    CHECK(backoff(1, 0) == milliseconds(0));
    CHECK(backoff(1, 0.5) == milliseconds(1000));
    CHECK(backoff(2, 0.5) == milliseconds(2000));
    CHECK(backoff(1000, 0.999) <= longest_backoff);
    const WallTime now = *parse_time("2026-05-01T12:00:00.000Z");
    CHECK(attempt_due(std::nullopt, now));
    CHECK(attempt_due("2026-05-01T11:59:59.000Z", now));
    CHECK_FALSE(attempt_due("2026-05-01T12:00:30.000Z", now));
    CHECK(attempt_due("2031-01-01T00:00:00.000Z", now));
    CHECK(attempt_due("soon", now));
}

namespace {

SpoolFile spooled(const std::string& name, const char* time) {
    return {sysid, *WalName::parse(name), 10, *parse_time(time), 1, 1};
}

}  // namespace

TEST_CASE("An agenda has histories first, then the oldest, with what the ledger knows of each") {
    const std::string one = "000000010000000000000001";
    const std::string two = "000000010000000000000002";
    const std::string three = "000000010000000000000003";
    SpoolScan scan;
    scan.files = {spooled(one, "2026-05-01T12:00:00.000Z"), spooled(two, "2026-05-01T11:00:00.000Z"),
                  spooled("00000002.history", "2026-05-01T13:00:00.000Z")};
    const std::vector<SegmentRow> rows{{5, sysid, one, "f1", 10, "2026-05-01T10:00:00.000Z", std::nullopt},
                                       {6, sysid, three, "f3", 10, "2026-05-01T10:00:00.000Z", std::nullopt}};
    const std::vector<UploadRow> uploads{{5, 70, UploadState::verified, 1, "k", std::nullopt},
                                         {5, 71, UploadState::pending, 3, "", std::nullopt},
                                         {5, 99, UploadState::verified, 1, "k", std::nullopt}};
    const Agenda agenda = make_agenda(rows, uploads, scan, {70, 71});
    REQUIRE(agenda.tasks.size() == 3);
    CHECK(agenda.tasks[0]->file.name.text == "00000002.history");
    CHECK(agenda.tasks[1]->file.name.text == one);
    CHECK(agenda.tasks[1]->segment == 5);
    CHECK(agenda.tasks[1]->needs == std::vector<Need>{Need::nothing, Need::send});
    CHECK(agenda.tasks[1]->attempts == std::vector<int>{1, 3});
    CHECK(agenda.tasks[2]->segment == 0);
    REQUIRE(agenda.without_file.size() == 1);
    CHECK(agenda.without_file[0].name == three);
}

TEST_CASE("Two contents of one name in the ledger leave it to the bytes which one is spooled") {
    const std::string one = "000000010000000000000001";
    SpoolScan scan;
    scan.files = {spooled(one, "2026-05-01T12:00:00.000Z")};
    const std::vector<SegmentRow> rows{{5, sysid, one, "f1", 10, "t", std::nullopt},
                                       {6, sysid, one, "f2", 10, "t", std::nullopt}};
    const Agenda agenda = make_agenda(rows, {}, scan, {70});
    CHECK(agenda.tasks.at(0)->fingerprint.empty());
    CHECK(agenda.without_file.empty());
}

TEST_CASE(
    "A file whose name says its content is told from the first one of that name, and missed by itself") {
    const std::string one = "000000010000000000000001";
    SpoolScan scan;
    scan.files = {spooled(one, "2026-05-01T12:00:00.000Z"), spooled(one, "2026-05-01T12:00:00.000Z")};
    const std::string second(32, 'b');
    scan.files[1].fingerprint = second;
    const std::vector<SegmentRow> rows{{5, sysid, one, std::string(32, 'a'), 10, "1", std::nullopt},
                                       {6, sysid, one, second, 10, "2", std::nullopt}};
    const Agenda both = make_agenda(rows, {}, scan, {70});
    REQUIRE(both.tasks.size() == 2);
    CHECK(both.tasks[0]->segment == 5);
    CHECK(both.tasks[1]->segment == 6);
    CHECK(both.tasks[1]->file.entry() == one + "-" + second);
    CHECK(both.without_file.empty());
    scan.files.pop_back();
    // Which of the two it is, its bytes must tell.
    CHECK(make_agenda(rows, {}, scan, {70}).tasks.at(0)->segment == 0);
    scan.files.front().fingerprint = second;
    const Agenda only_second = make_agenda(rows, {}, scan, {70});
    CHECK(only_second.tasks.at(0)->segment == 6);
    REQUIRE(only_second.without_file.size() == 1);
    CHECK(only_second.without_file[0].id == 5);
}

namespace {

// A store that only lists, a page of `page` keys at a time, and hides some keys the first times it is asked.
class ListingStore : public ObjectStore {
  public:
    PutResult put(const std::string&, const Body&, const BodyDigest&) override { return PutResult::stored; }
    void get_range(const std::string&, std::uint64_t, std::uint64_t, Receiver&) override {}
    void get(const std::string&, Receiver&) override {}
    std::optional<ObjectInfo> head(const std::string&) override { return std::nullopt; }
    void remove(const std::string&) override {}
    ObjectPage list(const std::string& prefix, const std::string& after) override {
        ++requests;
        ObjectPage answer;
        for (const std::string& key : keys) {
            if (!key.starts_with(prefix) || key <= after) continue;
            if (lagging > 0 && key.find(hidden) != std::string::npos) continue;
            if (answer.objects.size() == page) {
                answer.more = true;
                break;
            }
            answer.objects.push_back({key, 1});
        }
        if (lagging > 0) --lagging;
        return answer;
    }
    std::set<std::string> keys;
    std::size_t page = 1000;
    int requests = 0;
    int lagging = 0;
    std::string hidden = "nothing";
};

const std::string ours(32, 'a');
const std::string theirs(32, 'b');

std::string name_of(unsigned i) {
    char text[32];
    std::snprintf(text, sizeof text, "0000000100000000%08X", i);
    return text;
}

std::string key_of(const std::string& name, const std::string& fingerprint) {
    return ObjectKeys("p", "main", sysid).wal({name, fingerprint, "00000001", std::string(32, 'c'), true});
}

}  // namespace

TEST_CASE("A listing finds other content under the names just put, whatever the page size") {
    for (const std::size_t page :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{1000}}) {
        CAPTURE(page);
        ListingStore store;
        store.page = page;
        std::vector<NamedContent> sent;
        for (unsigned i = 1; i <= 40; ++i) {
            store.keys.insert(key_of(name_of(i), ours));
            if (i % 3 == 0) sent.push_back({static_cast<std::int64_t>(i), sysid, name_of(i), ours});
        }
        store.keys.insert(key_of(name_of(12) + ".partial", theirs));  // another file
        store.keys.insert(key_of(name_of(10), theirs));               // none of those just put
        store.keys.insert(key_of(name_of(9), theirs));
        store.keys.insert(key_of(name_of(39), theirs));
        const auto found = find_conflicts(store, "p", "main", sent);
        REQUIRE(found.size() == 2);
        CHECK(found[0].name == name_of(9));
        CHECK(found[0].theirs == theirs);
        CHECK(found[1].name == name_of(39));
        if (page == 1000) CHECK(store.requests == 1);
    }
}

TEST_CASE("A listing that lags behind is asked once more") {
    ListingStore store;
    store.keys = {key_of(name_of(1), ours), key_of(name_of(1), theirs)};
    store.hidden = name_of(1);
    store.lagging = 1;
    CHECK(find_conflicts(store, "p", "main", {{1, sysid, name_of(1), ours}}).size() == 1);
}

TEST_CASE("The progress line says segments, bytes, rate, time left and each store, within the terminal") {
    DrainView view{};
    view.segments_total = 10;
    view.segments_removed = 5;
    view.bytes_total = 160 << 20;
    view.bytes_removed = 80 << 20;
    view.stores.push_back({"r2", {0, 7, false, ""}});
    view.stores.push_back({"b2", {5, 5, true, "no answer"}});
    const std::string line = progress_line(view, std::chrono::seconds(10), 200);
    CHECK(line == "5/10 segments, 80.0 MiB of 160.0 MiB, 8.0 MiB/s, 11 s left | r2 7 ok | b2 DOWN");
    CHECK(progress_line(view, std::chrono::seconds(10), 20).size() == 20);
    CHECK_NOTHROW(progress_line(DrainView{}, milliseconds(0), 80));
}
