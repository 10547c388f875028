#include "maintenance/expire/stored_words.hpp"

#include "common/codec/expiry_mark.hpp"
#include "common/error.hpp"
#include "common/store/expiry_names.hpp"
#include "tests/catch.hpp"
#include "tests/maintenance/expire/dated_store.hpp"
#include "transfer/plain_object.hpp"

using namespace walferry;
using namespace walferry::expire;

namespace {

const BackupId id{"20261124T121314Z-1a2b3c4d"};
constexpr std::uint64_t segment_size = 16 << 20;

ExpiryMark sample_mark() {
    ExpiryMark mark;
    mark.cluster = "main";
    mark.system_identifier = 7301234567890123456;
    mark.store = "r2";
    mark.policy = "recovery_window=30d";
    mark.made_at = "2026-01-31T09:05:07.123Z";
    return mark;
}

BackupHold sample_hold() {
    BackupHold hold;
    hold.cluster = "main";
    hold.system_identifier = 7301234567890123456;
    hold.backup = id;
    hold.reason = "audit";
    hold.made_at = "2026-01-31T09:05:07.123Z";
    return hold;
}

struct Place {
    DatedObjects data;
    DatedStore store{data};
    ObjectKeys keys{"prod", "main", 7301234567890123456};
    WriterKey writer = WriterKey::generate();
    Trust trust{"main", 7301234567890123456, {writer.public_key()}};

    std::string put(const std::string& folder, const std::string& what, const std::string& text) {
        const std::string sha256 = transfer::PlainObject(text).sha256().substr(0, 32);
        data.add(folder + what + "-" + sha256 + ".json", text, data.now);
        return sha256;
    }
    std::string put(ExpiryMark mark, bool sign = true) {
        if (sign) sign_mark(mark, writer);
        return put(marks_directory(keys), mark.what(), mark_json(mark));
    }
    std::string put(BackupHold hold, bool sign = true) {
        if (sign) sign_hold(hold, writer);
        return put(hold.releases.empty() ? holds_directory(keys) : releases_directory(keys), hold.backup.text,
                   hold_json(hold));
    }
    SeenMarks marks() { return read_marks(store, keys, trust, segment_size); }
    SeenHolds holds() { return read_holds(store, keys, trust); }
};

}  // namespace

TEST_CASE("a mark is read back as it was put, dated by the store", "[expire]") {
    Place place;
    place.data.now = WallTime(std::chrono::milliseconds(1'700'000'000'000));
    ExpiryMark wal = sample_mark();
    wal.wal = {{"000000010000000000000002", "000000010000000000000004"},
               {"000000020000000100000000", "000000020000000100000000"}};
    ExpiryMark keys = sample_mark();
    keys.keys = {"backup/x", "piece/y"};
    ExpiryMark backup = sample_mark();
    backup.backup = id;
    for (const ExpiryMark& mark : {wal, keys, backup}) {
        CHECK(parse_mark(mark_json(mark)) == mark);
        place.put(mark);
    }
    const SeenMarks seen = place.marks();
    REQUIRE(seen.marks.size() == 3);
    for (const Mark& mark : seen.marks) {
        CHECK(mark.counted);
        CHECK(mark.made == place.data.now);
        CHECK(mark.policy == "recovery_window=30d");
        CHECK(mark.writer == place.writer.public_key());
    }
    CHECK(seen.marks[0].backup == id);
    CHECK(seen.marks[1].keys ==
          std::vector<std::string>{place.keys.root() + "backup/x", place.keys.root() + "piece/y"});
    CHECK(seen.marks[2].wal == std::vector<WalRun>{{1, 2, 4}, {2, 256, 256}});
}

TEST_CASE("a mark that was forged, changed, or is about another cluster marks nothing", "[expire]") {
    Place place;
    ExpiryMark mark = sample_mark();
    mark.backup = id;
    place.put(mark, false);
    ExpiryMark other = mark;
    other.system_identifier = 1;
    place.put(other);
    ExpiryMark thief = mark;
    thief.store = "b2";
    sign_mark(thief, WriterKey::generate());
    place.put(thief, false);
    ExpiryMark changed = mark;
    sign_mark(changed, place.writer);
    changed.policy = "keep_backups=0";
    place.put(changed, false);
    place.data.add(marks_directory(place.keys) + id.text + "-" + std::string(32, '0') + ".json", "{}", {});
    const SeenMarks seen = place.marks();
    CHECK(seen.marks.size() == 5);
    for (const Mark& each : seen.marks) CHECK_FALSE(each.counted);
    place.trust.writers.clear();
    CHECK(place.marks().marks.size() == 5);
}

TEST_CASE("a mark says exactly one thing, in order", "[expire]") {
    ExpiryMark mark = sample_mark();
    CHECK_THROWS_AS(mark_json(mark), Error);
    mark.backup = id;
    mark.keys = {"a"};
    CHECK_THROWS_AS(mark_json(mark), Error);
    mark.backup.reset();
    mark.keys = {"b", "a"};
    CHECK_THROWS_AS(mark_json(mark), Error);
    mark.keys = {"a", "a"};
    CHECK_THROWS_AS(mark_json(mark), Error);
    mark.keys.clear();
    mark.wal = {{"000000010000000000000004", "000000010000000000000002"}};
    CHECK_THROWS_AS(mark_json(mark), Error);
    mark.wal = {{"000000010000000000000002", "000000020000000000000004"}};
    CHECK_THROWS_AS(mark_json(mark), Error);
    mark.wal = {{"000000010000000000000002", "000000010000000000000004"},
                {"000000010000000000000004", "000000010000000000000005"}};
    CHECK_THROWS_AS(mark_json(mark), Error);
}

TEST_CASE("a hold counts until it is released, and releasing one leaves the others", "[expire]") {
    Place place;
    const std::string first = place.put(sample_hold());
    BackupHold second = sample_hold();
    second.reason = "court order";
    second.until = "2027-01-31T09:05:07.123Z";
    place.put(second);
    CHECK(place.holds().in_force().size() == 2);
    BackupHold release = sample_hold();
    release.reason.clear();
    release.releases = first;
    place.put(release);
    const auto left = place.holds().in_force();
    REQUIRE(left.size() == 1);
    CHECK(left[0].reason == "court order");
    CHECK(left[0].until == parse_time(second.until));
}

TEST_CASE("holds and releases by a writer who is not trusted count for nothing", "[expire]") {
    Place place;
    const std::string real = place.put(sample_hold());
    BackupHold release = sample_hold();
    release.releases = real;
    place.put(release, false);
    BackupHold forged = sample_hold();
    forged.reason = "fill the store";
    place.put(forged, false);
    const SeenHolds seen = place.holds();
    CHECK(seen.in_force().size() == 1);
    CHECK(seen.refused.size() == 2);
    // A release under a hold's name holds nothing, and a hold under a release's name releases nothing.
    BackupHold moved = sample_hold();
    moved.releases = real;
    sign_hold(moved, place.writer);
    place.put(holds_directory(place.keys), id.text, hold_json(moved));
    CHECK(place.holds().refused.size() == 3);
}

TEST_CASE("names of marks and holds are read as they are written", "[expire]") {
    const std::string sha(32, 'a');
    for (const std::string what : {"wal", "objects", id.text.c_str()})
        CHECK(MarkName::parse(MarkName{what, sha}.text()) == MarkName{what, sha});
    CHECK(HoldName::parse(HoldName{id, sha}.text()) == HoldName{id, sha});
    for (const std::string& wrong : {std::string("wal-") + sha, "wall-" + sha + ".json", "-" + sha + ".json",
                                     "wal-" + std::string(32, 'A') + ".json", std::string(),
                                     "wal" + sha + ".json", id.text + "x-" + sha + ".json"}) {
        CHECK_FALSE(MarkName::parse(wrong));
        CHECK_FALSE(HoldName::parse(wrong));
    }
}
