#include "archive/conflict_judge.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "archive/content_judge.hpp"
#include "common/error.hpp"
#include "console/exit_code.hpp"

namespace walferry::archive {
namespace {

std::string contents_of(const ConflictRow& row) {
    if (row.store.empty())
        return row.name + " is in the spool with content " + row.ours +
               ", and was archived before with content " + row.theirs;
    return row.name + " is in store " + row.store + " with other content: ours is " + row.ours + ", theirs " +
           row.theirs;
}

void decide(ContentJudge& judge, Ledger& ledger, const ConflictRow& row, const JudgesContext& context) {
    try {
        if (!judge.settlements(row.name).empty() && judge.settled(row.name, judge.contents(row.name))) {
            ledger.settle(row.system_identifier, row.name, wall_now());
            return;
        }
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::ledger || error.kind() == ErrorKind::ledger_corrupt) throw;
        return;  // a store that no longer answers may have what was settled
    }
    const auto name = WalName::parse(row.name);
    const auto divergence = name ? judge.judge(*name, {row.ours, row.theirs}) : std::nullopt;
    if (divergence) {
        const bool news = !row.divergence || (*row.divergence == "not compared") == divergence->compared;
        if (!news) return;
        ledger.judge_conflict(row.id, divergence, wall_now());
        if (!context.report) return;
        context.report(console::exit_code::done,
                       contents_of(row) + "; its timeline was left at " + divergence->fork +
                           (divergence->compared ? "" : " (not compared)") +
                           ", so this is no conflict. Both are kept; see `walferry conflicts --all`");
        return;
    }
    if (row.divergence) ledger.judge_conflict(row.id, std::nullopt, wall_now());
    if (!context.report) return;
    const bool fresh = ledger.raise_conflict(row.id, wall_now());
    context.report(fresh ? console::exit_code::integrity : console::exit_code::done,
                   "conflict: " + contents_of(row) +
                       "; both are kept. See `walferry conflicts`, then `walferry settle`");
}

}  // namespace

void judge_conflicts(const Settings& settings, Ledger& ledger, const JudgesContext& context) {
    std::map<std::uint64_t, std::vector<ConflictRow>> clusters;
    for (ConflictRow& row : ledger.conflicts_to_judge())
        clusters[row.system_identifier].push_back(std::move(row));
    for (const auto& [sysid, rows] : clusters) {
        std::uint32_t oldest = UINT32_MAX;
        for (const ConflictRow& row : rows) {
            if (const auto name = WalName::parse(row.name)) oldest = std::min(oldest, name->timeline);
        }
        JudgesKnowledge knowledge{ledger.known_segment_size(sysid), ledger.histories(sysid), oldest,
                                  ledger.backup_starts(sysid), std::nullopt};
        if (context.primary_timeline) knowledge.primary_timeline = context.primary_timeline(sysid);
        ContentJudge judge(settings, sysid, std::move(knowledge), context.stop);
        if (context.stop.stop_requested() || judge.stores().empty()) continue;
        for (const ConflictRow& row : rows) {
            if (context.stop.stop_requested()) break;
            decide(judge, ledger, row, context);
        }
    }
}

}  // namespace walferry::archive
