#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <mutex>

#include "archive/archive_view.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "report/backups_report.hpp"
#include "report/indexed_backups.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

struct Options {
    archive::SurveyOptions survey;
    std::uint64_t system_identifier = 0;
    bool json = false;
};

/// The one that this host's ledger says archives now, else the one that was created last. Returns the others
/// that the stores hold, the newest first.
std::vector<std::uint64_t> choose_cluster(const Settings& settings, archive::SurveyOptions& survey) {
    const auto listed = archive::ArchiveView(settings, {survey.stores, {}, false}).system_identifiers();
    try {
        survey.system_identifier =
            Ledger(SpoolPaths(settings.spool), Ledger::Open::existing).present_cluster();
    } catch (const Error&) {
        // A host that restores has no ledger.
    }
    if (!survey.system_identifier) survey.system_identifier = *listed.rbegin();
    std::vector<std::uint64_t> others(listed.rbegin(), listed.rend());
    std::erase(others, *survey.system_identifier);
    return others;
}

/// A host that archives holds no key that opens a label; it goes by what lies beside it in plain text.
int by_indexes(const Settings& settings, Options& options) {
    std::vector<std::uint64_t> earlier;
    if (!options.survey.system_identifier) earlier = choose_cluster(settings, options.survey);
    const report::IndexedBackups found = report::find_indexed_backups(
        settings, options.survey.stores, *options.survey.system_identifier, options.survey.stop);
    const std::string answer = options.json
                                   ? console::json_text(report::indexed_backups_json(found, earlier)) + "\n"
                                   : report::indexed_backups_text(found, earlier);
    std::fputs(answer.c_str(), stdout);
    return report::indexed_backups_exit_code(found);
}

int run(const GlobalOptions& global, Options options) {
    const console::StopOnSignal signals;  // before any thread is started
    const Settings settings = load_settings(settings_path(global.config));
    if (options.system_identifier != 0) options.survey.system_identifier = options.system_identifier;
    options.survey.stop = signals.token();
    if (settings.encrypt && settings.identity_file.empty()) return by_indexes(settings, options);
    std::vector<std::uint64_t> earlier;
    std::optional<archive::ArchiveSurvey> survey;
    std::string answer;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        std::mutex mutex;
        std::string text = "looking at the stores";
        const drain::Progress::Shown shown(progress, [&](std::chrono::milliseconds, std::size_t) {
            const std::lock_guard lock(mutex);
            return text;
        });
        options.survey.show = [&](const std::string& now) {
            const std::lock_guard lock(mutex);
            text = now;
        };
        if (!options.survey.system_identifier) earlier = choose_cluster(settings, options.survey);
        survey.emplace(settings, options.survey);
        answer = options.json ? console::json_text(report::backups_json(*survey, earlier)) + "\n"
                              : report::backups_text(*survey, earlier);
    }
    std::fputs(answer.c_str(), stdout);
    return report::backups_exit_code(*survey);
}

}  // namespace

CommandBody declare_backups(CLI::App& app) {
    auto options = std::make_shared<Options>();
    add_stores(app, "--only", options->survey.stores.only, "Ask this store only (may be repeated)");
    add_stores(app, "--without", options->survey.stores.without, "Do without this store (may be repeated)");
    app.add_option("--system-identifier", options->system_identifier,
                   "Of an earlier cluster, where the archive holds several (initdb, pg_upgrade)")
        ->type_name("N");
    app.add_flag("--json", options->json, "As JSON, with every store's own reach");
    app.footer(
        "Reads each backup's label (decrypted, checked, its signature too where trusted_writers are\n"
        "set) and lists the WAL behind it: along which timelines and until when a recovery can go, in\n"
        "all stores together and, where that is less, in one alone. The end is the last segment without\n"
        "a gap before it and when that one came into the spool. A configuration and an identity are all\n"
        "that is needed; without an identity backups are shown by their indexes, and which of their\n"
        "objects and of their own WAL each store has. Ends with 3 where a backup cannot be used or a gap "
        "lies behind one, with 4\n"
        "where a store did not answer.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
