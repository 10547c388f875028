#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "console/outcome.hpp"

namespace walferry::archive {

/// Says of each name with several contents that the ledger knows whether it is a conflict. The history by
/// which its timeline was left may come later than the segment, an identity may be there only today, and
/// another host may have settled it: so this is done by every drain, rebuild and check until it is decided.
///
/// A conflict is raised once, with exit code 3, by a run that has a `report`; without one it is only
/// recorded. Divergent ends of a timeline that was left are a remark. Where no store answers nothing is
/// decided, and nothing raised. Throws what is wrong with the ledger.
struct JudgesContext {
    std::function<void(int exit_code, const std::string& line)> report;
    /// The timeline that this host's server writes, where it is the primary of that cluster: what differs
    /// there is no end that was left.
    std::function<std::optional<std::uint32_t>(std::uint64_t system_identifier)> primary_timeline;
    std::stop_token stop;
};
void judge_conflicts(const Settings& settings, Ledger& ledger, const JudgesContext& context);

}  // namespace walferry::archive
