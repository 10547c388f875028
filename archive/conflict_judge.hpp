#pragma once
#include <stop_token>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "console/outcome.hpp"

namespace walferry::archive {

/// Says of each name with several contents that the ledger knows whether it is a conflict. The history by
/// which its timeline was left may come later than the segment, an identity may be there only today, and
/// another host may have settled it: so this is done by every drain, rebuild and check until it is decided.
///
/// A conflict is raised once, with exit code 3, by a run that has an `outcome`; without one it is only
/// recorded. Divergent ends of a timeline that was left are a remark. Where no store answers nothing is
/// decided, and nothing raised. Throws what is wrong with the ledger.
void judge_conflicts(const Settings& settings, Ledger& ledger, console::Outcome* outcome,
                     const std::stop_token& stop);

}  // namespace walferry::archive
