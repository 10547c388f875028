#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "archive/archive_survey.hpp"

namespace walferry::report {

/// What `walferry backups` says, for programs and for people.
/// `earlier`: other clusters under the same name that the stores hold, the newest first.
nlohmann::json backups_json(archive::ArchiveSurvey& survey, const std::vector<std::uint64_t>& earlier = {});
std::string backups_text(archive::ArchiveSurvey& survey, const std::vector<std::uint64_t>& earlier = {});

/// integrity where a backup cannot be used or a gap lies behind one, incomplete where a store is silent.
int backups_exit_code(const archive::ArchiveSurvey& survey);

/// "up to segment 0000…, which was archived at …": how far a reach goes, for people.
std::string describe_end(archive::ArchiveSurvey& survey, const archive::Reach& reach);

}  // namespace walferry::report
