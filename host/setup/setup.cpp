#include "host/setup/setup.hpp"

#include <unistd.h>
#include <algorithm>

#include <cstdio>
#include <filesystem>

#include "common/error.hpp"
#include "common/shell_word.hpp"
#include "host/setup/answers.hpp"
#include "host/setup/first_configuration.hpp"
#include "host/setup/key_access.hpp"
#include "host/setup/key_files.hpp"
#include "host/setup/public_files.hpp"
#include "host/setup/server_setup.hpp"
#include "host/setup/spool_users.hpp"
#include "host/setup/units.hpp"
#include "host/spool_setup.hpp"
#include "server/alter_system.hpp"
#include "server/archive_command.hpp"
#include "server/programs.hpp"
#include "server/server_connection.hpp"

namespace walferry::setup {
namespace {

constexpr const char* usual_role = "walferry";

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
}

/// What is to be done, and for whom.
struct Task {
    SetupOptions options;
    SpoolUsers users;
    Settings settings;
};

void tell_of_drop_in(const DropIn& drop_in) {
    if (drop_in.state == DropIn::State::written)
        say("made " + drop_in.path + ": what the units need beside their own lines");
    if (drop_in.state == DropIn::State::removed)
        say("removed " + drop_in.path + ": the units need nothing beside their own lines any more");
    if (drop_in.changed() && systemd_runs()) run_program({"systemctl", "daemon-reload"});
    if (drop_in.state == DropIn::State::foreign) {
        say(drop_in.path +
            " is not setup's own, and is left as it is; these lines must stand in a file there:\n\n" +
            drop_in.text);
    }
}

void make_spool(const Task& task) {
    if (task.settings.spool.starts_with("/var/spool/walferry/")) make_folder("/var/spool/walferry", 0755);
    const SpoolPaths spool(task.settings.spool);
    const host::SpoolOwner owner = host::find_spool_owner(spool, task.users.owner, task.users.group);
    for (const std::string& change : host::set_up_spool(spool, owner)) say(one_line(change));
}

/// The units are handed copies of the keys, and are allowed what the configuration needs.
void prepare_uploader(const Task& task) {
    if (units_run(task.options.configuration)) {
        tell_of_drop_in(write_drop_in(task.settings));
        return;
    }
    const std::vector<std::string> changes = let_group_read_keys(task.settings, task.users.group);
    for (const std::string& change : changes) say(change);
    if (!changes.empty())
        say("  that is the spool's group, in which " + task.users.owner +
            " is too; units keep the keys root's alone");
}

// --- the server

void show_other(const ServerPlan& plan, const ServerSetup& server) {
    if (!plan.replaces_other()) return;
    const std::string now =
        server.archive_mode == "off" ? ", which archives nothing while archive_mode is off" : "";
    if (!plan.other_command.empty())
        say("\nIts archive_command is another now: " + one_line(server::without_secrets(plan.other_command)) +
            now);
    if (!plan.other_library.empty())
        say("\nIts archive_library is set: " + one_line(plan.other_library) + now);
    say("docs/migration.md says how to go over without a gap; `--apply --replace-archive-command` takes "
        "its place.");
}

/// Where ALTER SYSTEM is not allowed, a step of settings is no statement for the server.
bool taken_by_server(const ServerPlan& plan, const ServerStep& step) {
    return plan.alter_system || server::configuration_line(step.statements.front()).empty();
}

void show_lines(const ServerPlan& plan) {
    const std::vector<std::string> lines = lines_for_its_file(plan);
    if (lines.empty()) return;
    say("\nThis server takes no ALTER SYSTEM (allow_alter_system is off). These lines belong into its\n"
        "postgresql.conf, or where the tool that manages it keeps its settings:\n");
    for (const std::string& line : lines) say("  " + line);
}

void show_plan(const ServerPlan& plan, const ServerSetup& server, bool apply) {
    say(server.reached
            ? "\nFor the server, as its superuser (`--apply` does it), in this order:\n"
            : "\nNothing is known of the server. As far as it is not so yet it is to be told, as its\n"
              "superuser, in this order:\n");
    for (const ServerStep& step : plan.steps) {
        if (!taken_by_server(plan, step)) continue;
        say("  -- " + step.why);
        for (const std::string& statement : step.statements) say("  " + statement + ";");
    }
    show_lines(plan);
    say(lines_for_its_file(plan).empty() ? "  SELECT pg_reload_conf();"
                                         : "\nThen, as its superuser: SELECT pg_reload_conf();");
    show_other(plan, server);
    if (apply) say("Nothing of this was done.");
}

void apply_and_tell(const Task& task, const ServerPlan& plan) {
    apply_plan(plan, task.settings.server_conninfo, task.users.owner);
    for (const ServerStep& step : plan.steps) {
        if (!taken_by_server(plan, step)) continue;
        for (const std::string& statement : step.statements) say("done: " + statement);
    }
    if (!lines_for_its_file(plan).empty()) {
        show_lines(plan);
        say("\nThen, as its superuser: SELECT pg_reload_conf();");
        return;
    }
    if (!plan.other_command.empty())
        say("it took the place of the archive_command " +
            one_line(server::without_secrets(plan.other_command)));
    if (!plan.other_library.empty())
        say("it took the place of the archive_library " + one_line(plan.other_library));
}

void tell_of_restart(const ServerPlan& plan, const ServerSetup& server) {
    if (!server.reached) {
        say("\nWhere archive_mode was off, it takes effect when the server is restarted, at a time you\n"
            "choose. Run setup again when the server answers: it says what is left.");
    } else if (plan.needs_restart) {
        say("\narchive_mode takes effect when the server is restarted, at a time you choose; until then\n"
            "nothing is archived");
    }
}

/// False where something is left that --apply was to do.
bool set_up_server(const Task& task, const ServerSetup& server) {
    if (!server.reached) say("\nThe server could not be asked: " + one_line(server.problem));
    const ServerPlan plan =
        plan_server(server, server::program_beside_this_one("walferry-archive-push"), task.settings.spool);
    const bool may = !plan.replaces_other() || task.options.replace_archive_command;
    bool told = true;
    if (plan.steps.empty()) {
        say(plan.needs_restart ? "the server has been told everything"
                               : "the server archives to the spool already");
    } else if (task.options.apply && server.reached && may) {
        apply_and_tell(task, plan);
        told = lines_for_its_file(plan).empty();
    } else {
        show_plan(plan, server, task.options.apply);
        told = !task.options.apply;
    }
    tell_of_restart(plan, server);
    return told;
}

// --- who drains

void set_up_timers(const Task& task, const std::vector<std::string>& timers) {
    std::vector<std::string> words{"systemctl", "enable", "--now"};
    words.insert(words.end(), timers.begin(), timers.end());
    std::string command;
    for (const std::string& word : words) command += (command.empty() ? "" : " ") + word;
    if (task.options.apply && systemd_runs() && run_program(words)) {
        say("done: " + command);
    } else {
        say("\nWhat runs from now on (the uploader, a nightly base backup, a check every quarter of an "
            "hour, a part of the stores read again every night):\n\n  " +
            command);
    }
}

/// In any store.
bool expires(const Settings& settings) {
    return std::any_of(settings.stores.begin(), settings.stores.end(),
                       [](const StoreSettings& store) { return store.retention.expires(); });
}

void tell_of_cron(const Task& task, bool backups) {
    const std::string user = task.users.uploader.empty() ? "USER" : task.users.uploader;
    const std::string walferry =
        server::program_beside_this_one("walferry") + " --config " + task.options.configuration;
    const std::string words = "  " + user + "  " + walferry;
    say("\nNo systemd unit runs this configuration. In its place, lines of /etc/cron.d/walferry bring the\n"
        "segments to the stores" +
        std::string(backups ? " and make a base backup every night" : "") + ":\n");
    say("  * * * * *" + words + " drain --quiet");
    if (backups) say("  30 1 * * *" + words + " backup");
    say("  30 4 * * *" + words + " verify --heal");
    if (expires(task.settings)) say("  30 5 * * *" + words + " expire");
    say("\nOr, instead of the first line, a service that stays, as the user " + user + ":\n\n  " + walferry +
        " drain --follow");
}

void set_up_draining(const Task& task, bool backups) {
    if (!backups) {
        say("\nwalferry makes base backups of PostgreSQL 15 and later; until this server is upgraded, make "
            "them\n"
            "with pg_basebackup: its WAL is archived all the same");
    }
    const std::vector<std::string> timers =
        timers_for(task.options.configuration, backups, expires(task.settings));
    if (timers.empty()) {
        tell_of_cron(task, backups);
    } else {
        set_up_timers(task, timers);
    }
}

// --- the key that reads the archive

/// The identity that lies here: the one that was named, else one at the usual place that belongs to a
/// recipient. Empty where there is none.
std::string identity_here(const Task& task) {
    if (!task.options.identity_file.empty())
        return exists(task.options.identity_file) ? task.options.identity_file : std::string();
    return exists(usual_identity_file) && is_recipients_identity(usual_identity_file, task.settings)
               ? usual_identity_file
               : std::string();
}

void tell_of_identity(const Task& task) {
    const std::string file = identity_here(task);
    if (file.empty()) return;
    say("\n" + file +
        " is THE KEY THAT READS THE ARCHIVE\n"
        "  Take it off this host now, to a safe and to the host that will restore: without it no one can\n"
        "  ever read what is archived; who holds this host holds it too. Then:\n"
        "  shred -u " +
        shell_word(file));
}

std::string role_of(const Settings& settings) {
    const std::string role = server::role_named_by(settings.server_conninfo);
    return role.empty() ? usual_role : role;
}

void need_root(const SetupOptions& options) {
    if (::geteuid() != 0)
        throw Error(ErrorKind::usage, "setup gives files to other users, which only root can",
                    "sudo walferry setup");
    if (options.configuration.empty() || options.configuration.front() != '/')
        throw Error(ErrorKind::usage, "--config: the configuration needs a whole path");
}

bool carry_out(const Task& task) {
    join_group(task.users);
    make_spool(task);
    prepare_uploader(task);
    const ServerSetup server =
        look_at_server(task.settings.server_conninfo, task.users.owner, role_of(task.settings));
    const bool told = set_up_server(task, server);
    set_up_draining(task, can_be_backed_up(server));
    return told;
}

Task begin(SetupOptions options) {
    const bool is_first = !exists(options.configuration);
    Task task;
    if (is_first) {
        if (options.cluster.empty()) options.cluster = "main";
        if (options.spool.empty()) options.spool = "/var/spool/walferry/" + options.cluster;
    } else {
        task.settings = existing_configuration(options);
    }
    task.users = find_spool_users(is_first ? options.spool : task.settings.spool, options.configuration,
                                  options.owner, options.group);
    if (!units_run(options.configuration)) refuse_keys_of_others(options.configuration, task.users.group);
    if (is_first) {
        // Peer authentication lets a Unix user log in under its own name.
        const std::string role = task.users.uploader.empty() ? usual_role : task.users.uploader;
        task.settings = first_configuration(options, role);
    }
    task.options = std::move(options);
    return task;
}

}  // namespace

SetUp set_up(SetupOptions options) {
    need_root(options);
    // What is said of it is to hold in any folder.
    if (!options.identity_file.empty())
        options.identity_file = std::filesystem::absolute(options.identity_file).lexically_normal();
    const Task task = begin(std::move(options));
    bool told = true;
    try {
        told = carry_out(task);
    } catch (...) {
        // A later run may not know of it any more.
        tell_of_identity(task);
        throw;
    }
    tell_of_identity(task);
    return {task.settings, task.users.uploader, told};
}

}  // namespace walferry::setup
