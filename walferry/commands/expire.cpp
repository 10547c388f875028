#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <mutex>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "maintenance/expire/expire_report.hpp"
#include "maintenance/expire/words.hpp"
#include "restore/recovery_target.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

struct Options {
    StoreSelection stores;
    std::uint64_t system_identifier = 0;
    bool dry_run = false, json = false, clock_is_right = false;
    std::string hold, release, keep, reason, until;
};

/// A keeper has none; a host whose ledger is damaged can still say what the stores show.
std::unique_ptr<Ledger> ledger_here(const Settings& settings) {
    try {
        return std::make_unique<Ledger>(SpoolPaths(settings.spool), Ledger::Open::existing);
    } catch (const Error& error) {
        if (settings.trusted_writers.empty())
            std::fprintf(stderr, "walferry: %s; without trusted_writers no backup counts then\n",
                         error.what());
        return nullptr;
    }
}

int expire(const Settings& settings, const Options& options, const console::StopOnSignal& signals) {
    const auto ledger = ledger_here(settings);
    expire::ExpireOptions wanted;
    wanted.stores = select_stores(settings, options.stores);
    if (options.system_identifier != 0) wanted.system_identifier = options.system_identifier;
    wanted.dry_run = options.dry_run;
    wanted.clock_is_right = options.clock_is_right;
    wanted.stop = signals.token();
    std::vector<expire::StoreReport> reports;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        std::mutex mutex;
        std::string text = "looking at the stores";
        const drain::Progress::Shown shown(progress, [&](std::chrono::milliseconds, std::size_t) {
            const std::lock_guard lock(mutex);
            return text;
        });
        wanted.show = [&](const std::string& now) {
            const std::lock_guard lock(mutex);
            text = now;
        };
        reports = expire::expire_stores(settings, ledger.get(), wanted);
    }
    const std::string answer = options.json
                                   ? console::json_text(expire::report_json(reports, options.dry_run)) + "\n"
                                   : expire::report_text(reports, options.dry_run);
    std::fputs(answer.c_str(), stdout);
    return expire::exit_code_of(reports);
}

expire::WordOptions about(const std::string& id, const Options& options,
                          const console::StopOnSignal& signals) {
    const auto backup = BackupId::parse(id);
    if (!backup) throw Error(ErrorKind::usage, id + " is no backup's ID", "`walferry backups` shows them");
    expire::WordOptions wanted{*backup, {}, signals.token()};
    if (options.system_identifier != 0) wanted.system_identifier = options.system_identifier;
    return wanted;
}

std::optional<WallTime> until(const std::string& text) {
    if (text.empty()) return std::nullopt;
    const auto time = std::chrono::floor<std::chrono::milliseconds>(restore::parse_target_time(text));
    if (time <= wall_now())
        throw Error(ErrorKind::usage, "--until: " + text + " has passed", "a hold ends in the future");
    return time;
}

int say(const std::vector<expire::WordReport>& reports) {
    int code = console::exit_code::done;
    for (const expire::WordReport& report : reports) {
        if (!report.problem) {
            std::printf("store %s: %s\n", report.store.c_str(), report.text.c_str());
            continue;
        }
        std::fprintf(stderr, "walferry: store %s: %s; say it again once the store answers\n",
                     report.store.c_str(), report.problem->what());
        const ErrorTraits& problem = traits(report.problem->kind());
        code = console::worse_exit(code,
                                   problem.retryable() ? console::exit_code::incomplete : problem.exit_code);
    }
    return code;
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;  // before any thread is started
    const Settings settings = load_settings(settings_path(global.config));
    if (!options.hold.empty())
        return say(expire::hold(settings, about(options.hold, options, signals), options.reason,
                                until(options.until)));
    if (!options.release.empty())
        return say(expire::release(settings, about(options.release, options, signals)));
    if (!options.keep.empty()) return say(expire::take_back(settings, about(options.keep, options, signals)));
    return expire(settings, options, signals);
}

}  // namespace

CommandBody declare_expire(CLI::App& app) {
    auto options = std::make_shared<Options>();
    add_stores(app, "--only", options->stores.only, "Expire in this store only (may be repeated)");
    add_stores(app, "--without", options->stores.without, "Leave this store alone (may be repeated)");
    app.add_option("--system-identifier", options->system_identifier,
                   "Of this cluster only, where the archive holds several (initdb, pg_upgrade)")
        ->type_name("N");
    app.add_flag("--dry-run", options->dry_run, "Say what would be done, and change nothing");
    app.add_flag("--clock-is-right", options->clock_is_right,
                 "Go by this host's clock although nothing proves it, this once");
    app.add_flag("--json", options->json, "As JSON");
    CLI::App* hold = app.add_subcommand("hold", "Keep a backup, with the WAL it needs, in every store");
    hold->add_option("ID", options->hold, "The backup")->required();
    hold->add_option("--reason", options->reason, "Why, for those who see it later")->required();
    hold->add_option("--until", options->until, "When the hold ends, with a time zone; default: never")
        ->type_name("TIME");
    CLI::App* release = app.add_subcommand("release", "End the holds of a backup");
    release->add_option("ID", options->release, "The backup")->required();
    CLI::App* keep = app.add_subcommand("keep", "Take the mark on a backup back");
    keep->add_option("ID", options->keep, "The backup")->required();
    app.footer(
        "Goes by [retention] of the configuration; where that is not set, nothing expires. Lists each\n"
        "store completely, and says of every backup and of all WAL what stays and why. What nothing needs\n"
        "is marked, in the store, and stays restorable; it is removed by a later run, once it has been\n"
        "marked for the grace period and still nothing needs it. Only backups that are known to be real\n"
        "count: signed by trusted_writers where those are set, else those of this host's ledger. All\n"
        "others stay. Ends with 4 where a store could not be judged this time.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
