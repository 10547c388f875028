#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "archive/archive_survey.hpp"
#include "restore/recovery_target.hpp"

namespace walferry::restore {

struct RestoreWish {
    RecoveryTarget target;
    std::optional<std::string> backup;      // its ID; else the newest that will do
    std::optional<std::uint32_t> timeline;  // else the highest that leads on from the backup
    bool incomplete = false;                // a backup that lacks something of the cluster will do
    bool as_far_as_possible = false;        // with the end of the archive: to the last commit before a gap
};

struct RestoreChoice {
    const archive::SurveyedBackup* backup = nullptr;
    archive::Reach reach;
};

/// When the last segment of a reach came into the spool; nullopt where that is not known.
using ReachEnd = std::function<std::optional<MicroTime>(const archive::Reach&)>;

/// Whether a transaction or a restore point that is the target lies behind a backup; nullopt where that is
/// not known.
using TargetHeld = std::function<std::optional<bool>(const archive::SurveyedBackup&, const archive::Reach&)>;

/// Why a backup does not lead to the target; nullopt where it does, as far as can be told beforehand.
std::optional<std::string> obstacle(const archive::SurveyedBackup& backup, const RestoreWish& wish,
                                    const ReachEnd& end, const TargetHeld& held = {});

/// The newest backup that can reach the target. `backups`: the oldest first. Throws usage for a backup that
/// is not there, integrity where none will do, with the reason of each.
RestoreChoice choose_backup(std::span<const archive::SurveyedBackup> backups, const RestoreWish& wish,
                            const ReachEnd& end, const TargetHeld& held = {});

}  // namespace walferry::restore
