#pragma once
#include <string>
#include <vector>

#include "archive/archive_survey.hpp"
#include "common/settings/settings.hpp"
#include "restore/restore_choice.hpp"

namespace walferry::restore {

/// How far each store leads along the timeline that was chosen, a line each; of one that did not answer, how
/// far it was known to lead by this host's ledger.
std::vector<std::string> outlook(archive::ArchiveSurvey& survey, const RestoreChoice& choice,
                                 const Settings& settings);

/// What to do about stores that did not answer: a sentence for a hint.
std::string advice_on_silent(const std::vector<std::string>& stores);

/// "one, two"
std::string listed(const std::vector<std::string>& names);

}  // namespace walferry::restore
