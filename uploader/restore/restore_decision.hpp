#pragma once
#include <memory>
#include <string>
#include <vector>

#include "uploader/recovery/archive_survey.hpp"
#include "uploader/recovery/restore_choice.hpp"
#include "uploader/restore/late_tablespaces.hpp"
#include "uploader/restore/restore.hpp"

namespace walferry {

/// What is restored and how far, decided from what the stores show before anything is made.
struct RestoreDecision {
    std::unique_ptr<ArchiveSurvey> survey;
    RestoreChoice choice;
    std::vector<std::string> silent;   // stores that did not answer
    std::vector<std::string> outlook;  // how far each store leads
    RecoveryTarget target;             // as the server is told
    std::string timeline;              // recovery_target_timeline
    std::vector<std::string> notes;    // what is not known, and what to do then
    std::vector<LateTablespace> late;  // that replay creates
};

/// Throws what choose_backup throws; where a store did not answer and no backup will do, unreachable.
RestoreDecision decide_restore(const Settings& settings, const RestoreOptions& options);

}  // namespace walferry
