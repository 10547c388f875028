#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "console/exit_code.hpp"
#include "console/signals.hpp"
#include "report/events.hpp"
#include "report/events_report.hpp"
#include "report/facts_fetch.hpp"
#include "restore/recovery_target.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    std::string since, until, database;
    std::uint64_t system_identifier = 0;
    bool json = false, fetch = false;
};

std::int64_t microseconds(const std::string& text) {
    return restore::parse_target_time(text).time_since_epoch().count();
}

std::uint64_t cluster(Ledger& ledger, const Options& options) {
    if (options.system_identifier != 0) return options.system_identifier;
    const auto present = ledger.present_cluster();
    if (present) return *present;
    throw Error(ErrorKind::not_found, "this host's ledger knows of no segment",
                "on a host that only restores, `walferry backups` tells what the stores hold");
}

report::FactsFetched fetch(const Settings& settings, Ledger& ledger, std::uint64_t sysid,
                           const report::EventsWanted& wanted, const console::StopOnSignal& signals) {
    drain::Progress progress(::isatty(STDERR_FILENO) == 1);
    std::mutex mutex;
    std::string text = "looking at the stores";
    const drain::Progress::Shown shown(progress, [&](std::chrono::milliseconds, std::size_t) {
        const std::lock_guard lock(mutex);
        return text;
    });
    std::string since;
    if (wanted.since > 0) {
        // What was written then came into the spool later.
        since = format_time(WallTime(std::chrono::milliseconds(wanted.since / 1000)));
    }
    return report::fetch_facts(
        settings, ledger, sysid, since,
        [&](const std::string& now) {
            const std::lock_guard lock(mutex);
            text = now;
        },
        signals.token());
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;  // before any thread is started
    report::EventsWanted wanted;
    if (!options.since.empty()) wanted.since = microseconds(options.since);
    if (!options.until.empty()) wanted.until = microseconds(options.until);
    const Settings settings = load_settings(settings_path(global.config));
    Ledger ledger(SpoolPaths(settings.spool), Ledger::Open::existing);
    const std::uint64_t sysid = cluster(ledger, options);
    report::FactsFetched fetched;
    if (options.fetch) fetched = fetch(settings, ledger, sysid, wanted, signals);
    report::Names names = report::names_from_server(settings, sysid);
    if (!options.database.empty()) wanted.database = report::database_oid(options.database, names);
    const report::EventsFound found = report::find_events(ledger, sysid, wanted);
    report::look_up_relations(settings, found, names);
    std::fputs((options.json ? report::events_json(found, names) : report::events_text(found, names)).c_str(),
               stdout);
    if (fetched.missing > 0) {
        std::fprintf(stderr, "walferry: no store gave back %s%s%s\n",
                     counted(fetched.missing, "segment", "segments").c_str(),
                     fetched.trouble.empty() ? "" : ": ", fetched.trouble.c_str());
        return console::exit_code::incomplete;
    }
    return console::exit_code::done;
}

}  // namespace

CommandBody declare_events(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("--since", options->since,
                   "Only what happened then or later, with a time zone: \"2026-01-31 09:05:00+01\"")
        ->type_name("TIME");
    app.add_option("--until", options->until, "Only what happened then or earlier")->type_name("TIME");
    app.add_option("--database", options->database, "Only what happened in this database, by name or OID")
        ->type_name("D");
    app.add_option("--system-identifier", options->system_identifier,
                   "Of an earlier cluster, where the ledger knows several (initdb, pg_upgrade)")
        ->type_name("N");
    app.add_flag("--fetch", options->fetch,
                 "First read from the stores what this host's ledger does not know: two small requests a "
                 "segment, of those since --since, else of all there are; needs an identity");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "What the WAL tells, as it was read while segments were archived: restore points, tables\n"
        "and databases that were dropped or truncated, tablespaces, promotions, gaps. The oldest\n"
        "first. For what removed data, the recovery target that ends just before it:\n"
        "\n"
        "  walferry restore --to DIR --target-lsn LSN --exclusive\n"
        "\n"
        "That is where its transaction began, before it took its locks: a server that pauses\n"
        "later than that still holds them, and a query on the table would wait for ever.\n"
        "TRUNCATE is told from REINDEX, which is left out, by what else the transaction did.\n"
        "\"Files replaced or removed\" is what may be VACUUM FULL, CLUSTER or REFRESH, and may\n"
        "be a DROP beside which a table or an index was made.\n"
        "DROP INDEX CONCURRENTLY and the end of REINDEX CONCURRENTLY look like any other DROP.\n"
        "Names are the present ones, where the server can be asked; else there are OIDs.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
