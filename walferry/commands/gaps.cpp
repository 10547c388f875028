#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "console/exit_code.hpp"
#include "console/signals.hpp"
#include "maintenance/gaps/gaps.hpp"
#include "maintenance/gaps/gaps_report.hpp"
#include "server/server_connection.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

struct Options {
    gaps::GapsOptions gaps;
    std::string acknowledge, reason;
    bool json = false;
};

/// Nothing where the server cannot be asked, or is another cluster's: it may run on another host.
std::set<std::string> names_in_pg_wal(const Settings& settings, std::uint64_t system_identifier) {
    std::set<std::string> names;
    try {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        server::ServerConnection server(
            settings.server_conninfo, server::ServerConnection::Kind::sql,
            [deadline] {
                if (std::chrono::steady_clock::now() > deadline)
                    throw Error(ErrorKind::server, "the server did not answer within 10 s");
            },
            [](const std::string&) {});
        const server::ServerRows own = server.query("SELECT system_identifier FROM pg_control_system()");
        if (own.size() != 1 || own.text(0, 0) != std::to_string(system_identifier)) return names;
        const server::ServerRows files = server.query("SELECT name FROM pg_ls_waldir()");
        for (int i = 0; i < files.size(); ++i) names.insert(files.text(i, 0));
        // What it writes now, and files that are ready to be reused, bear names of segments to come.
        const server::ServerRows now = server.query(
            "SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_walfile_name(pg_current_wal_lsn()) END");
        if (now.size() == 1 && !now.text(0, 0).empty())
            names.erase(names.lower_bound(now.text(0, 0)), names.end());
    } catch (const Error&) {
        names.clear();
    }
    return names;
}

int run(const GlobalOptions& global, const Options& given) {
    const console::StopOnSignal signals;  // before any thread is started
    if (given.acknowledge.empty() != given.reason.empty())
        throw Error(ErrorKind::usage, "--acknowledge and --reason belong together");
    const Settings settings = load_settings(settings_path(global.config));
    gaps::GapsOptions options = given.gaps;
    options.stop = signals.token();
    options.pg_wal = [&](std::uint64_t system_identifier) {
        return names_in_pg_wal(settings, system_identifier);
    };
    if (!given.acknowledge.empty()) {
        const auto known = gaps::parse_acknowledgement(given.acknowledge, given.reason);
        for (const std::string& store : gaps::acknowledge(settings, options, known))
            std::printf("store %s: %s is known to be missing, and no alarm any longer\n", store.c_str(),
                        given.acknowledge.c_str());
        return console::exit_code::done;
    }
    const gaps::GapsResult result = gaps::find_gaps(settings, options);
    const std::string text = given.json ? gaps::gaps_json(result) : gaps::gaps_text(result, settings);
    std::fputs(text.c_str(), stdout);
    return result.exit_code;
}

}  // namespace

CommandBody declare_gaps(CLI::App& app) {
    auto options = std::make_shared<Options>();
    add_stores(app, "--only", options->gaps.stores.only, "Only this store; may be given more than once");
    add_stores(app, "--without", options->gaps.stores.without, "Leave this store out");
    app.add_option("--acknowledge", options->acknowledge,
                   "These segments are known to be missing: check and status say no more of them")
        ->type_name("FIRST-LAST");
    app.add_option("--reason", options->reason, "Why; shown by this command from then on")->type_name("TEXT");
    app.add_option("--system-identifier", options->gaps.system_identifier,
                   "Of an earlier cluster, where the stores hold several (initdb, pg_upgrade)")
        ->type_name("N");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "Lists the WAL of every store, timeline by timeline. A segment is missing where the store has one\n"
        "before and one behind it, or where a later timeline begins and the segment before that is not\n"
        "there. What lies behind the end of a timeline that was left is no gap. Said of each gap: since\n"
        "when it is known, which other store, spool or pg_wal still has the segments, and the command that\n"
        "brings them. With an identity history files are read; without one, forks are told by the\n"
        "ledger and by names.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
