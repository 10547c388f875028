#pragma once
#include <memory>
#include <string>
#include <vector>

#include "archive/archive_survey.hpp"
#include "restore/late_tablespaces.hpp"
#include "restore/restore.hpp"
#include "restore/restore_choice.hpp"

namespace walferry::restore {

/// What is restored and how far, decided from what the stores show before anything is made.
struct RestoreDecision {
    std::unique_ptr<archive::ArchiveSurvey> survey;
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

}  // namespace walferry::restore
