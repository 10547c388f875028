#include "restore/restore_choice.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/backup_sample.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace walferry::restore;
using namespace walferry::test;

namespace {

constexpr std::uint64_t size = 16 << 20;

SurveyedBackup backup(const std::string& id, std::uint64_t segment, const std::string& stopped,
                      std::vector<Reach> reaches) {
    SurveyedBackup made;
    made.label = sample_label();
    made.label.id = {id};
    made.label.missing.clear();
    made.label.start_lsn = segment * size + 40;
    made.label.stop_lsn = segment * size + 256;
    made.label.stopped_at = stopped;
    made.together.timelines = std::move(reaches);
    return made;
}

Reach reach(std::uint32_t timeline, std::uint64_t end, bool consistent = true) {
    Reach made;
    made.timeline = timeline;
    made.consistent = consistent;
    made.end_lsn = end * size;
    made.last = WalName::segment_at(timeline, (end - 1) * size, size);
    return made;
}

Reach with_gap(Reach reach) {
    reach.gap = WalGap{"000000010000000000000006", "000000010000000000000007"};
    return reach;
}

const std::string monday = "20261123T100000Z-00000001";
const std::string tuesday = "20261124T100000Z-00000002";

/// The last segment of every reach came at this time.
ReachEnd ends_at(const char* time) {
    return [time](const Reach&) { return std::optional(parse_target_time(time)); };
}

RestoreWish at_time(const char* time) {
    RestoreWish wish;
    wish.target.kind = TargetKind::time;
    wish.target.time = parse_target_time(time);
    return wish;
}

RestoreWish at_lsn(std::uint64_t lsn) {
    RestoreWish wish;
    wish.target.kind = TargetKind::lsn;
    wish.target.lsn = lsn;
    return wish;
}

std::vector<SurveyedBackup> two_days() {
    return {backup(monday, 2, "2026-11-23T10:05:00.000Z", {reach(1, 9)}),
            backup(tuesday, 5, "2026-11-24T10:05:00.000Z", {reach(1, 9)})};
}

std::string chosen(const std::vector<SurveyedBackup>& backups, const RestoreWish& wish,
                   const ReachEnd& end = ends_at("2026-11-24 12:00:00Z")) {
    return choose_backup(backups, wish, end).backup->label.id.text;
}

std::string refusal(const std::vector<SurveyedBackup>& backups, const RestoreWish& wish,
                    ErrorKind kind = ErrorKind::integrity) {
    try {
        choose_backup(backups, wish, ends_at("2026-11-24 12:00:00Z"));
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == kind);
        return error.message();
    }
}

}  // namespace

TEST_CASE("the newest backup that can reach the target is taken") {
    CHECK(chosen(two_days(), {}) == tuesday);
    CHECK(chosen(two_days(), at_time("2026-11-24 11:00:00Z")) == tuesday);
    CHECK(chosen(two_days(), at_time("2026-11-24 10:05:00Z")) == tuesday);
    CHECK(chosen(two_days(), at_time("2026-11-24 10:04:59Z")) == monday);
    CHECK(chosen(two_days(), at_lsn(5 * size + 256)) == tuesday);
    CHECK(chosen(two_days(), at_lsn(5 * size + 255)) == monday);
}

TEST_CASE("a backup that every store is going to lose is taken by its name only") {
    auto backups = two_days();
    backups[1].copies = {{0, 0, "2026-11-24T11:00:00.000Z"}, {1, 0, ""}};
    CHECK(chosen(backups, {}) == tuesday);  // the second store keeps it
    backups[1].copies[1].marked = "2026-11-24T11:00:00.000Z";
    CHECK(chosen(backups, {}) == monday);
    RestoreWish wish;
    wish.backup = tuesday;
    CHECK(chosen(backups, wish) == tuesday);
    CHECK(refusal(backups, at_time("2026-11-24 12:00:01Z")).find("marked for removal") != std::string::npos);
}

TEST_CASE("a target that no backup reaches is refused, with what can be reached") {
    const std::string early = refusal(two_days(), at_time("2026-11-23 10:00:00Z"));
    CHECK(early.find("from 2026-11-23T10:05:00.000Z") != std::string::npos);
    const std::string late = refusal(two_days(), at_time("2026-11-24 12:00:01Z"));
    CHECK(late.find("archived at 2026-11-24 12:00:00") != std::string::npos);
    CHECK(refusal(two_days(), at_lsn(9 * size)).find("LSN 0/9000000") != std::string::npos);
    CHECK(refusal({}, {}, ErrorKind::not_found).find("no complete backup") != std::string::npos);
}

TEST_CASE("a time is tried where nobody knows when the last segment was archived") {
    const auto unknown = [](const Reach&) { return std::optional<MicroTime>(); };
    CHECK(chosen(two_days(), at_time("2027-01-01 00:00:00Z"), unknown) == tuesday);
}

TEST_CASE("the end of the archive behind a gap is refused, and what lies before it can be reached") {
    std::vector<SurveyedBackup> backups{
        backup(monday, 2, "2026-11-23T10:05:00.000Z", {with_gap(reach(1, 6))})};
    CHECK(refusal(backups, {}).find("000000010000000000000006 is missing") != std::string::npos);
    CHECK(chosen(backups, at_lsn(5 * size)) == monday);
    CHECK(refusal(backups, at_lsn(6 * size)).find("gap") != std::string::npos);
    backups.push_back(backup(tuesday, 7, "2026-11-24T10:05:00.000Z", {reach(1, 9)}));
    CHECK(chosen(backups, {}) == tuesday);
}

TEST_CASE("a backup that lacks its own WAL or a piece is passed over") {
    auto backups = two_days();
    backups[1].together.timelines = {reach(1, 5, false)};
    CHECK(chosen(backups, {}) == monday);
    backups = two_days();
    backups[1].missing_pieces = 2;
    CHECK(chosen(backups, {}) == monday);
    backups[0].missing_pieces = 1;
    CHECK(refusal(backups, {}).find("1 piece is missing in every store") != std::string::npos);
}

TEST_CASE("a backup that lacks something of the cluster is passed over, unless that is said to be enough") {
    auto backups = two_days();
    backups[1].label.missing = {"base/5, a link to another disk"};
    CHECK(chosen(backups, {}) == monday);
    RestoreWish wish;
    wish.incomplete = true;
    CHECK(chosen(backups, wish) == tuesday);
    backups[0].label.missing = {"base/5", "base/7"};
    CHECK(refusal(backups, {}).find("it lacks base/5 and 1 more of the cluster") != std::string::npos);
}

TEST_CASE("the highest timeline is followed unless another one is asked for") {
    const std::vector<SurveyedBackup> backups{
        backup(monday, 2, "2026-11-23T10:05:00.000Z", {reach(1, 9), reach(2, 7), reach(3, 8)})};
    RestoreWish wish;
    CHECK(choose_backup(backups, wish, ends_at("2026-11-24 12:00:00Z")).reach.timeline == 3);
    wish.timeline = 1;
    CHECK(choose_backup(backups, wish, ends_at("2026-11-24 12:00:00Z")).reach.timeline == 1);
    wish.timeline = 4;
    CHECK(refusal(backups, wish).find("no way leads") != std::string::npos);
    CHECK(refusal(backups, at_lsn(8 * size + 1)).find("timeline 3") != std::string::npos);
}

TEST_CASE("a transaction or a restore point older than the newest backup takes the older backup") {
    RestoreWish wish;
    wish.target.kind = TargetKind::xid;
    wish.target.text = "815";
    const auto end = ends_at("2026-11-24 12:00:00Z");
    const auto before = [](const char* id) {
        return [id](const SurveyedBackup& backup, const Reach&) {
            return std::optional(backup.label.id.text != id);
        };
    };
    CHECK(choose_backup(two_days(), wish, end, before(tuesday.c_str())).backup->label.id.text == monday);
    const auto unknown = [](const SurveyedBackup&, const Reach&) { return std::optional<bool>(); };
    CHECK(choose_backup(two_days(), wish, end, unknown).backup->label.id.text == tuesday);
    const auto nowhere = [](const SurveyedBackup&, const Reach&) { return std::optional(false); };
    CHECK_THROWS_AS(choose_backup(two_days(), wish, end, nowhere), Error);
    wish.target.kind = TargetKind::name;
    CHECK(choose_backup(two_days(), wish, end, before(tuesday.c_str())).backup->label.id.text == monday);
}

TEST_CASE("a backup that was named is taken or refused, never replaced by another") {
    RestoreWish wish;
    wish.backup = monday;
    CHECK(chosen(two_days(), wish) == monday);
    wish.backup = "20200101T000000Z-00000000";
    CHECK_FALSE(refusal(two_days(), wish, ErrorKind::usage).empty());
    wish = at_time("2026-11-23 11:00:00Z");
    wish.backup = tuesday;
    CHECK_FALSE(refusal(two_days(), wish).empty());
}
