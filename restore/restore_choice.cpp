#include "restore/restore_choice.hpp"

#include <algorithm>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/wal/lsn.hpp"
#include "common/wal/wal_header.hpp"

namespace walferry::restore {
namespace {

const archive::Reach* reach_of(const archive::SurveyedBackup& backup,
                               const std::optional<std::uint32_t>& timeline) {
    return timeline ? backup.reach(*timeline) : &backup.together.timelines.back();
}

std::string gap_text(const archive::Reach& reach) {
    return reach.gap->first_missing + " is missing, and " + reach.gap->next_held + " is there";
}

/// "from 2026-… (LSN 0/3000100) to the end of segment 0000… (LSN 0/5000000), archived at 2026-…"
std::string range(const archive::SurveyedBackup& backup, const archive::Reach& reach, const ReachEnd& end) {
    const auto until = end(reach);
    return "timeline " + std::to_string(reach.timeline) + " can be reached from " + backup.label.stopped_at +
           " (LSN " + format_lsn(backup.label.stop_lsn) + ") to the end of segment " + reach.last->text +
           " (LSN " + format_lsn(reach.end_lsn) + ")" +
           (until ? ", archived at " + format_target_time(*until) : "") +
           (reach.gap ? "; then there is a gap: " + gap_text(reach) : "");
}

std::optional<std::string> time_obstacle(const archive::SurveyedBackup& backup, MicroTime wanted,
                                         const archive::Reach& reach, const ReachEnd& end) {
    const MicroTime complete = *parse_time(backup.label.stopped_at);
    const auto until = end(reach);
    if (wanted >= complete && (!until || wanted <= *until)) return std::nullopt;
    return range(backup, reach, end);
}

std::string not_held(const RecoveryTarget& target) {
    return target.kind == TargetKind::xid ? "transaction " + target.text + " had ended before it was complete"
                                          : "its WAL holds no restore point \"" + target.text + "\"";
}

std::optional<std::string> target_obstacle(const archive::SurveyedBackup& backup,
                                           const RecoveryTarget& target, const archive::Reach& reach,
                                           const ReachEnd& end, const TargetHeld& held, bool as_far) {
    switch (target.kind) {
        case TargetKind::latest:
            if (reach.gap && !as_far) return range(backup, reach, end);
            return std::nullopt;
        case TargetKind::time:
            return time_obstacle(backup, target.time, reach, end);
        case TargetKind::lsn:
            if (target.lsn < backup.label.stop_lsn || !reach.holds(target.lsn))
                return range(backup, reach, end);
            return std::nullopt;
        case TargetKind::xid:
        case TargetKind::name:
            if (held && held(backup, reach) == std::optional(false)) return not_held(target);
            return std::nullopt;
        case TargetKind::immediate:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> obstacle(const archive::SurveyedBackup& backup, const RestoreWish& wish,
                                    const ReachEnd& end, const TargetHeld& held) {
    if (!backup.label.missing.empty() && !wish.incomplete) {
        return "it lacks " + backup.label.missing.front() +
               (backup.label.missing.size() > 1
                    ? " and " + std::to_string(backup.label.missing.size() - 1) + " more of the cluster"
                    : std::string()) +
               " (--incomplete restores what it has)";
    }
    if (backup.missing_pieces > 0)
        return counted(backup.missing_pieces, "piece is", "pieces are") +
               " missing in every store that was asked";
    const archive::Reach* reach = reach_of(backup, wish.timeline);
    if (reach == nullptr) {
        const std::string name = WalName::segment_at(*wish.timeline, 0, min_segment_size).text;
        return "no way leads from it to timeline " + std::to_string(*wish.timeline) + " (" +
               name.substr(0, 8) + " in the names of files)";
    }
    if (!reach->consistent) {
        return "it needs WAL up to LSN " + format_lsn(backup.label.stop_lsn) +
               (reach->gap ? ", and " + gap_text(*reach)
                           : ", and that is there only up to LSN " + format_lsn(reach->end_lsn));
    }
    return target_obstacle(backup, wish.target, *reach, end, held, wish.as_far_as_possible);
}

RestoreChoice choose_backup(std::span<const archive::SurveyedBackup> backups, const RestoreWish& wish,
                            const ReachEnd& end, const TargetHeld& held) {
    if (backups.empty())
        throw Error(ErrorKind::not_found, "there is no complete backup in the stores that answered",
                    "`walferry backups` says what there is");
    std::string reasons;
    bool known = false;
    for (std::size_t i = backups.size(); i-- > 0;) {
        const archive::SurveyedBackup& backup = backups[i];
        if (wish.backup && backup.label.id.text != *wish.backup) continue;
        known = true;
        const auto reason =
            !wish.backup && backup.marked()
                ? std::optional<std::string>("it is marked for removal (--backup restores it)")
                : obstacle(backup, wish, end, held);
        if (!reason) return {&backup, *reach_of(backup, wish.timeline)};
        reasons += (reasons.empty() ? "" : "; ") + ("backup " + backup.label.id.text) + ": " + *reason;
    }
    if (!known)
        throw Error(ErrorKind::usage,
                    "there is no complete backup " + *wish.backup + " in the stores that answered",
                    "`walferry backups` lists those there are");
    throw Error(ErrorKind::integrity, "no backup leads to " + describe(wish.target) + ": " + reasons,
                "choose a target within what can be reached; `walferry backups` shows it for each store");
}

}  // namespace walferry::restore
