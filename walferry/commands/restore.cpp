#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <mutex>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/wal/backup_name.hpp"
#include "common/wal/lsn.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "restore/restore.hpp"
#include "restore/tablespace_option.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

struct Options {
    restore::RestoreOptions restore;
    bool latest = false, immediate = false, json = false;
    std::string time, lsn, xid, name, backup;
    std::string action;
    std::string timeline;
    std::uint64_t system_identifier = 0;
    std::vector<std::string> tablespaces;
};

restore::RecoveryTarget target_of(const Options& options) {
    restore::RecoveryTarget target = options.restore.wish.target;
    if (options.immediate) target.kind = restore::TargetKind::immediate;
    if (!options.time.empty()) {
        target.kind = restore::TargetKind::time;
        target.time = restore::parse_target_time(options.time);
    }
    if (!options.lsn.empty()) {
        target.kind = restore::TargetKind::lsn;
        const auto lsn = parse_lsn(options.lsn);
        if (!lsn)
            throw Error(ErrorKind::usage, "--target-lsn " + options.lsn + " is no position in the WAL",
                        "it looks like 0/3000148");
        target.lsn = *lsn;
    }
    if (!options.xid.empty()) {
        target.kind = restore::TargetKind::xid;
        target.text = restore::parse_target_xid(options.xid);
    }
    if (!options.name.empty()) {
        target.kind = restore::TargetKind::name;
        target.text = restore::parse_target_name(options.name);
    }
    if (options.action == "promote") target.action = restore::TargetAction::promote;
    if (options.action == "shutdown") target.action = restore::TargetAction::shutdown;
    const bool none = target.kind == restore::TargetKind::latest;
    if (none && (!options.action.empty() || target.exclusive))
        throw Error(ErrorKind::usage,
                    "--target-action and --exclusive need a target, and --latest is the end of the archive",
                    "there the server opens for writing");
    return target;
}

void complete(Options& options) {
    restore::RestoreOptions& restore = options.restore;
    restore.wish.target = target_of(options);
    if (restore.standby &&
        (restore.wish.target.kind != restore::TargetKind::latest || !options.timeline.empty()))
        throw Error(ErrorKind::usage, "--standby follows the archive: it has no target and no --timeline",
                    "");
    if (restore.standby && restore.no_archiving)
        throw Error(
            ErrorKind::usage,
            "--standby archives nothing before it is promoted, and then it is the primary that has to: "
            "--no-archiving would leave archive_mode = off behind, above what a cluster manager sets",
            "leave --no-archiving out; for a copy that must never archive restore without --standby");
    if (!restore.standby && !restore.primary_conninfo.empty())
        throw Error(ErrorKind::usage,
                    "--primary-conninfo is what a standby streams from: give --standby as well", "");
    if (!options.timeline.empty()) restore.wish.timeline = restore::parse_timeline(options.timeline);
    if (options.system_identifier != 0) restore.system_identifier = options.system_identifier;
    if (!options.backup.empty()) {
        if (!BackupId::parse(options.backup))
            throw Error(ErrorKind::usage, "--backup " + options.backup + " is no backup's ID",
                        "`walferry backups` lists them");
        restore.wish.backup = options.backup;
    }
    for (const std::string& text : options.tablespaces)
        restore.tablespaces.push_back(restore::parse_tablespace_option(text));
}

nlohmann::json as_json(const restore::RestoreReport& report, bool dry_run) {
    auto tablespaces = nlohmann::json::array();
    for (const auto& [old_place, new_place] : report.tablespaces)
        tablespaces.push_back({{"old", old_place}, {"new", new_place}});
    return {{"backup", report.backup},
            {"timeline", report.timeline},
            {"target", report.target},
            {"data_directory", report.data_directory},
            {"tablespaces", tablespaces},
            {"user", report.user},
            {"restore_command", report.restore_command},
            {"without", report.without},
            {"silent", report.silent},
            {"damaged", report.damaged},
            {"files", report.files},
            {"bytes", report.bytes},
            {"start_command", report.start_command},
            {"log", report.log},
            {"notes", report.notes},
            {"dry_run", dry_run}};
}

void print(const restore::RestoreReport& report, const restore::RestoreOptions& options) {
    const restore::RecoveryTarget& target = options.wish.target;
    std::printf("restored %s, %s, each compared with the backup's manifest, all on stable storage\n",
                counted(report.files, "file", "files").c_str(), format_bytes(report.bytes).c_str());
    for (const std::string& object : report.damaged)
        std::printf("DAMAGED, and read from another store: %s\n", one_line(object).c_str());
    for (std::size_t i = report.told; i < report.notes.size(); ++i)
        std::printf("note: %s\n", one_line(report.notes[i]).c_str());
    std::printf("start the server, which then %s:\n  %s\n", options.standby ? "follows" : "recovers",
                report.start_command.c_str());
    const bool pauses =
        target.kind != restore::TargetKind::latest && target.action == restore::TargetAction::pause;
    if (!pauses && !options.standby) std::printf("clients can connect when recovery has ended\n");
    if (pauses) {
        std::printf(
            "it stops at the target, readable; when that is what you want, open it for writing:\n"
            "  psql -c 'select pg_wal_replay_resume()'\n"
            "a query that hangs until then waits for a transaction that was under way at the target\n");
    }
}

std::string progress_text(const std::string& doing, std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds elapsed) {
    if (total == 0) return doing;
    const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed.count(), 1));
    const std::uint64_t rate = done * 1000 / ms;
    std::string text =
        doing + ": " + format_bytes(done) + " of " + format_bytes(total) + ", " + format_bytes(rate) + "/s";
    if (rate > 0 && done < total)
        text += ", " + format_duration(std::chrono::seconds((total - done) / rate)) + " left";
    return text;
}

int run(const GlobalOptions& global, Options options) {
    const console::StopOnSignal signals;  // before any thread is started
    // The server that recovers will not have it, and must find what we find.
    ::unsetenv("CREDENTIALS_DIRECTORY");
    const Settings settings = load_settings(settings_path(global.config));
    complete(options);
    restore::RestoreOptions& restore = options.restore;
    restore::RestoreReport report;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        struct {
            std::mutex mutex;
            std::string doing = "looking at the stores";
            std::uint64_t done = 0, total = 0;
        } now;
        const drain::Progress::Shown shown(progress, [&](std::chrono::milliseconds elapsed, std::size_t) {
            const std::lock_guard lock(now.mutex);
            return progress_text(now.doing, now.done, now.total, elapsed);
        });
        restore.stop = signals.token();
        restore.say = [&](const std::string& line) { progress.say(line); };
        restore.tell = restore.say;
        restore.show = [&](const std::string& doing, std::uint64_t done, std::uint64_t total) {
            const std::lock_guard lock(now.mutex);
            if (now.doing != doing) now.doing = doing;
            now.done = done;
            now.total = total;
        };
        report = restore::restore_backup(settings, restore);
    }
    if (options.json)
        std::printf("%s\n", console::json_text(as_json(report, restore.dry_run)).c_str());
    else if (!restore.dry_run)
        print(report, restore);
    return 0;
}

void declare_target(CLI::App& app, Options& options) {
    auto* group = app.add_option_group("target", "Where recovery ends; at most one");
    group->add_flag("--latest", options.latest, "The end of the archive (the default)");
    group
        ->add_option("--target-time", options.time,
                     "The last transaction before: '2026-01-31 09:05:07+01:00'")
        ->type_name("TIME");
    group->add_option("--target-lsn", options.lsn, "A position in the WAL: 0/3000148")->type_name("LSN");
    group->add_option("--target-xid", options.xid, "The end of this transaction")->type_name("XID");
    group->add_option("--target-name", options.name, "What pg_create_restore_point() was given")
        ->type_name("NAME");
    group->add_flag("--immediate", options.immediate, "As soon as the backup is consistent");
    group->add_flag("--as-far-as-possible", options.restore.wish.as_far_as_possible,
                    "The last commit before a gap or a conflict; the server opens there");
    group->require_option(0, 1);
    app.add_flag("--exclusive", options.restore.wish.target.exclusive,
                 "Just before the target, not after it");
    app.add_option("--target-action", options.action,
                   "At the target: pause (the default), promote or shutdown")
        ->type_name("ACTION")
        ->check(CLI::IsMember({"pause", "promote", "shutdown"}));
    app.add_option("--timeline", options.timeline,
                   "Along this timeline; default: the highest that leads on from the backup")
        ->type_name("T");
}

}  // namespace

CommandBody declare_restore(CLI::App& app) {
    auto options = std::make_shared<Options>();
    restore::RestoreOptions& restore = options->restore;
    app.add_option("--to", restore.to, "The new data directory: empty, or not there yet")
        ->type_name("DIR")
        ->required();
    app.add_option("--backup", options->backup, "This one; default: the newest that reaches the target")
        ->type_name("ID");
    declare_target(app, *options);
    add_stores(app, "--only", restore.stores.only, "From this store only, recovery too (may be repeated)");
    add_stores(app, "--without", restore.stores.without,
               "Without this store, recovery too (may be repeated)");
    app.add_option("--tablespace", options->tablespaces,
                   "Put the tablespace of OLD into NEW; \\= for an = in a path (may be repeated)")
        ->type_name("OLD=NEW")
        ->allow_extra_args(false);
    app.add_option("--system-identifier", options->system_identifier,
                   "The cluster's, where the archive holds several")
        ->type_name("N");
    app.add_option("--owner", restore.owner, "Who runs the server; default: postgres, for root")
        ->type_name("USER");
    app.add_option("--bindir", restore.programs, "Where PostgreSQL's programs are; default: looked for")
        ->type_name("DIR");
    app.add_option("--jobs", restore.jobs, "Pieces fetched and decoded at a time")
        ->type_name("N")
        ->check(CLI::Range(1, 64));
    app.add_flag("--no-archiving", restore.no_archiving,
                 "Turn archive_mode off, for a copy beside a server that lives");
    app.add_flag("--standby", restore.standby,
                 "A standby that follows the archive until it is promoted (Patroni, repmgr)");
    app.add_option("--primary-conninfo", restore.primary_conninfo,
                   "With --standby: the server that it streams from, as primary_conninfo has it")
        ->type_name("CONNINFO");
    app.add_flag("--no-spool", restore.no_spool, "Recovery is not to look into this host's spool");
    app.add_flag("--incomplete", restore.wish.incomplete,
                 "A backup that lacks something of the cluster will do (`walferry backups` names it)");
    app.add_flag("--unchecked-tablespaces", restore.unchecked_tablespaces,
                 "Although replay may create tablespaces over those of a server that runs here");
    app.add_flag("--dry-run", restore.dry_run, "Say what would be done, and do nothing");
    app.add_flag("--json", options->json, "What was done as JSON");
    app.footer(
        "Unpacks a base backup, compares every file with the backup's manifest, brings it to stable\n"
        "storage and sets up the server's recovery, which starts with the server. Damage in one store\n"
        "is repaired from another, and said. A store that does not answer is not left out: recovery\n"
        "asks it again and stops where it needs its answer. Only --without leaves a store out. Nothing\n"
        "outside DIR and the places of tablespaces is touched, and none\n"
        "of them may hold anything before. A tablespace that is newer than the backup is created by\n"
        "replay, at its original path: where that path exists on this host, nothing is restored, unless\n"
        "it is an empty directory that no running server uses. Where it does not, it is made, or, with\n"
        "--tablespace OLD=NEW, becomes a link to NEW. DIR is complete when it has PG_VERSION and no\n"
        "walferry-restore-incomplete. Needs encryption.identity_file. docs/restoring.md leads through "
        "it.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
