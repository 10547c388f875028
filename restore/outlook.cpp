#include "restore/outlook.hpp"

#include <algorithm>
#include <optional>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/shell_word.hpp"
#include "report/backups_report.hpp"

namespace walferry::restore {
namespace {

/// By this host's ledger, where it has one.
std::string known_of(const std::string& store, const Settings& settings) {
    try {
        Ledger ledger(SpoolPaths(settings.spool), Ledger::Open::existing);
        for (const StoreSummary& summary : ledger.store_summaries()) {
            if (summary.name != store || !summary.last_verified_segment) continue;
            return "by this host's ledger it had the segments up to " + *summary.last_verified_segment +
                   (summary.last_verified_at ? ", verified at " + *summary.last_verified_at : "");
        }
        return "this host's ledger knows no segment of it";
    } catch (const Error&) {
        return "how far it leads is not known on this host, which has no ledger that can be read";
    }
}

}  // namespace

std::vector<std::string> outlook(archive::ArchiveSurvey& survey, const RestoreChoice& choice,
                                 const Settings& settings) {
    std::vector<std::string> lines;
    const std::string along = " along timeline " + std::to_string(choice.reach.timeline) + " ";
    for (const archive::ArchiveSurvey::Store& store : survey.stores()) {
        const std::string& name = store.settings->name;
        if (store.trouble) {
            lines.push_back("store " + name + " did not answer; " + known_of(name, settings));
            continue;
        }
        const auto& each = choice.backup->each;
        const auto from = std::find_if(each.begin(), each.end(),
                                       [&](const archive::ReachFrom& reach) { return reach.store == name; });
        const archive::Reach* reach = nullptr;
        if (from != each.end()) {
            for (const archive::Reach& one : from->timelines) {
                if (one.timeline == choice.reach.timeline) reach = &one;
            }
        }
        if (reach == nullptr || !reach->last)
            lines.push_back("store " + name + " has no WAL" + along + "behind this backup");
        else
            lines.push_back("store " + name + " leads" + along + report::describe_end(survey, *reach));
    }
    return lines;
}

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string advice_on_silent(const std::vector<std::string>& stores) {
    std::string options;
    for (const std::string& store : stores) options += " --without " + shell_word(store);
    return "bring it back and start again; where it is gone for good, restore with" + options;
}

}  // namespace walferry::restore
