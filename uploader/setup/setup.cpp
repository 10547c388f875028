#include "uploader/setup/setup.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdio>

#include "common/codec/age_keys.hpp"
#include "common/error.hpp"
#include "common/settings_reader.hpp"
#include "uploader/restore/server_access.hpp"
#include "uploader/setup/key_files.hpp"
#include "uploader/setup/public_files.hpp"
#include "uploader/setup/questions.hpp"
#include "uploader/setup/server_setup.hpp"
#include "uploader/setup/units.hpp"
#include "uploader/spool_setup.hpp"

namespace walferry {
namespace {

constexpr const char* uploader_role = "walferry";

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
}

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

void need_users(const SetupOptions& options) {
    if (!::getgrnam(options.group.c_str()) || !::getpwnam(options.group.c_str())) {
        throw Error(
            ErrorKind::usage,
            "there is no user " + options.group + " with a group of that name, to run the uploader",
            "the package makes them; by hand: useradd --system --user-group --home-dir /var/spool/walferry "
            "--shell /usr/sbin/nologin " +
                options.group);
    }
    if (!::getpwnam(options.owner.c_str())) {
        throw Error(ErrorKind::usage, "there is no user " + options.owner + ", whom the server would run as",
                    "name it: --owner USER; or install PostgreSQL first");
    }
}

/// The running server has its groups from when it was started, so this takes effect with its next start.
void join_group(const SetupOptions& options) {
    const struct group* group = ::getgrnam(options.group.c_str());
    for (char** member = group->gr_mem; *member != nullptr; ++member) {
        if (options.owner == *member) return;
    }
    const passwd* user = ::getpwnam(options.owner.c_str());
    if (user->pw_gid == group->gr_gid) return;
    if (!run_program({"usermod", "--append", "--groups", options.group, options.owner})) {
        throw Error(ErrorKind::io, "cannot make " + options.owner + " a member of the group " + options.group,
                    "usermod --append --groups " + options.group + " " + options.owner);
    }
    say("made " + options.owner + " a member of the group " + options.group +
        "; a server that runs gets to know at its next restart, and archives meanwhile all the same");
}

// --- what nobody gave

StoreChoice asked_store(std::size_t number) {
    const std::string where = ask("Store " + std::to_string(number) +
                                  ", https://HOST/BUCKET[/PREFIX] or /DIRECTORY (Enter: no more):");
    if (where.empty()) return {};
    std::string name = ask("A short name for it [store" + std::to_string(number) + "]:");
    if (name.empty()) name = "store" + std::to_string(number);
    if (where.starts_with('/')) return parse_directory_choice(name + "=" + where);
    StoreChoice store = parse_s3_choice(name + "=" + where);
    const std::string region = ask("Its region [" + store.region + "]:");
    if (!region.empty()) store.region = region;
    return store;
}

void complete_stores(SetupOptions& options) {
    if (!options.stores.empty()) return;
    if (!can_ask()) {
        throw Error(ErrorKind::usage, "no store is named",
                    "--s3 NAME=https://HOST/BUCKET or --directory NAME=/PATH, twice for two stores");
    }
    for (std::size_t number = 1;; ++number) {
        StoreChoice store = asked_store(number);
        if (store.name.empty()) break;
        options.stores.push_back(std::move(store));
    }
    if (options.stores.empty()) throw Error(ErrorKind::usage, "without a store nothing can be archived");
}

void complete_recipients(SetupOptions& options) {
    if (!options.recipients.empty() || !options.identity_file.empty()) return;
    if (!can_ask()) {
        throw Error(ErrorKind::usage, "nobody is named who may read the archive",
                    "--recipient age1…, a public key made elsewhere with `walferry keygen`; or --identity "
                    "FILE, which "
                    "makes a pair here, for you to take away");
    }
    for (;;) {
        const std::string key = ask("Public key of who may restore, age1… (Enter: make a pair now):");
        try {
            if (key.empty())
                options.identity_file = "/root/walferry-identity.txt";
            else
                options.recipients.push_back(AgeRecipient::parse(key).text());
            return;
        } catch (const Error& error) {
            std::fprintf(stderr, "%s\n", error.message().c_str());
        }
    }
}

/// The server's place is found out where only one runs here.
void complete_conninfo(SetupOptions& options) {
    if (!options.conninfo.empty()) return;
    const std::vector<std::string> ports = listening_ports();
    if (ports.size() <= 1) {
        if (!ports.empty() && ports[0] != "5432") options.conninfo = "port=" + ports[0];
        return;
    }
    std::string shown;
    for (const std::string& port : ports) shown += (shown.empty() ? "" : ", ") + port;
    const std::string hint = "--conninfo port=" + ports[0] + ", for example";
    if (!can_ask()) throw Error(ErrorKind::usage, "several servers run here, with the ports " + shown, hint);
    const std::string port = ask("Several servers run here. Port (" + shown + "):");
    options.conninfo = "port=" + port;
}

// --- the configuration

/// `writer`: the key's file and its public half; without it, objects are not signed.
std::string compose(const SetupOptions& options, const std::vector<std::string>& recipients,
                    const std::pair<std::string, std::string>& writer) {
    const std::string server =
        options.conninfo + (options.conninfo.empty() ? "" : " ") + "user=" + uploader_role;
    std::vector<ChosenKey> keys{{"", "cluster", {options.cluster}, false},
                                {"", "spool", {options.spool}, false},
                                {"server", "conninfo", {server}, false},
                                {"encryption", "recipients", recipients, true}};
    if (!writer.first.empty()) {
        keys.push_back({"signing", "key_file", {writer.first}, false});
        keys.push_back({"signing", "trusted_writers", {writer.second}, true});
    }
    std::vector<ChosenStore> stores;
    for (const StoreChoice& store : options.stores)
        stores.push_back(chosen_store(store, KeyFolder::store_keys_name(options.cluster, store)));
    return compose_settings(keys, stores);
}

/// Throws usage for the first thing that is wrong. The file is not there yet, so its lines would tell nobody
/// anything.
void refuse_problems(const std::string& text, const std::string& file) {
    const SettingsReport report = parse_settings(text, file, "");
    if (report.problems.empty()) return;
    const std::string& problem = report.problems.front();
    const std::size_t place = problem.find(": ");
    throw Error(ErrorKind::usage, place == std::string::npos ? problem : problem.substr(place + 2));
}

/// Before any file is made: a slip of the pen leaves nothing behind.
void try_out(const SetupOptions& options) {
    std::vector<std::string> recipients = options.recipients;
    if (!options.identity_file.empty()) recipients.push_back(AgeIdentity::generate().recipient().text());
    refuse_problems(compose(options, recipients, {}), options.configuration);
}

void tell_of_identity(const std::string& file) {
    say("made " + file + ": THE KEY THAT READS THE ARCHIVE");
    say("  Take it off this host now, to a safe and to the host that will restore: without it nobody can "
        "ever");
    say("  read what is archived, and whoever has this host and the key can. Then: shred -u " + file);
}

Settings write_configuration(SetupOptions& options) {
    complete_stores(options);
    complete_recipients(options);
    complete_conninfo(options);
    try_out(options);
    KeyFolder keys(folder_of(options.configuration));
    for (const StoreChoice& store : options.stores) {
        if (store.type == StoreType::s3) keys.take_store_keys(options.cluster, store);
    }
    bool identity_made = false;
    std::vector<std::string> recipients = options.recipients;
    if (!options.identity_file.empty())
        recipients.push_back(recipient_of_identity(options.identity_file, identity_made));
    const auto writer = keys.writer_key();
    const std::string text = compose(options, recipients, writer);
    refuse_problems(text, options.configuration);
    create_public_file(options.configuration, text);
    for (const std::string& file : keys.made()) say("made " + file);
    say("made " + options.configuration);
    if (identity_made) tell_of_identity(options.identity_file);
    return load_settings(options.configuration);
}

Settings configuration(SetupOptions& options) {
    if (!exists(options.configuration)) return write_configuration(options);
    if (!options.stores.empty() || !options.recipients.empty() || !options.identity_file.empty()) {
        throw Error(
            ErrorKind::usage, options.configuration + " exists, and is never replaced",
            "edit it (walferry.toml(5) explains every key), or name another file with --config; without "
            "stores and recipients, setup goes on from what it says");
    }
    say(options.configuration + " is there, and is left as it is");
    return load_settings(options.configuration);
}

void make_spool(const SetupOptions& options, const Settings& settings) {
    if (settings.spool.starts_with("/var/spool/walferry/")) make_folder("/var/spool/walferry", 0755);
    const SpoolPaths spool(settings.spool);
    for (const std::string& change :
         set_up_spool(spool, find_spool_owner(spool, options.owner, options.group)))
        say(one_line(change));
    if (const auto drop_in = allow_paths(settings)) {
        say("made " + *drop_in + ": the units may write there");
        if (systemd_runs()) run_program({"systemctl", "daemon-reload"});
    }
}

// --- the server

std::string without_user(const std::string& conninfo) {
    const std::string user = std::string("user=") + uploader_role;
    std::string rest = conninfo;
    if (const auto at = rest.find(user); at != std::string::npos) rest.erase(at, user.size());
    while (rest.ends_with(' ')) rest.pop_back();
    return rest;
}

void show_plan(const ServerPlan& plan, const SetupOptions& options) {
    say("\nFor the server, as its superuser (`--apply` does it), in this order:\n");
    for (const ServerStep& step : plan.steps) {
        say("  -- " + step.why);
        for (const std::string& statement : step.statements) say("  " + statement + ";");
    }
    say("  SELECT pg_reload_conf();");
    if (!plan.other_command.empty()) {
        say("\nIts archive_command is another now: " + one_line(plan.other_command));
        say("docs/migration.md says how to go over without a gap; `--apply --replace-archive-command` takes "
            "its place.");
    }
    if (options.apply) say("Nothing of this was done.");
}

void set_up_server(const SetupOptions& options, const Settings& settings) {
    const std::string conninfo = without_user(settings.server_conninfo);
    const ServerSetup server = look_at_server(conninfo, options.owner, uploader_role);
    if (!server.reached) say("\nThe server could not be asked: " + one_line(server.problem));
    const ServerPlan plan =
        plan_server(server, uploader_role, program_beside_this_one("walferry-archive-push"), settings.spool);
    if (plan.steps.empty()) {
        say("the server archives to the spool already");
        return;
    }
    const bool may = plan.other_command.empty() || options.replace_archive_command;
    if (!options.apply || !server.reached || !may) {
        show_plan(plan, options);
    } else {
        apply_plan(plan, conninfo, options.owner);
        for (const ServerStep& step : plan.steps) {
            for (const std::string& statement : step.statements) say("done: " + statement);
        }
    }
    if (plan.needs_restart)
        say("\narchive_mode takes effect when the server is restarted, at a time you choose; until then "
            "nothing is "
            "archived");
}

void set_up_timers(const SetupOptions& options) {
    const std::vector<std::string> timers = timers_for(options.configuration);
    if (timers.empty()) return;
    std::vector<std::string> words{"systemctl", "enable", "--now"};
    words.insert(words.end(), timers.begin(), timers.end());
    std::string command;
    for (const std::string& word : words) command += (command.empty() ? "" : " ") + word;
    if (options.apply && systemd_runs() && run_program(words)) {
        say("done: " + command);
    } else {
        say("\nThe uploader, a nightly base backup and a check every quarter of an hour:\n\n  " + command);
    }
}

}  // namespace

Settings set_up(SetupOptions options) {
    if (::geteuid() != 0)
        throw Error(ErrorKind::usage, "setup gives files to other users, which only root can",
                    "sudo walferry setup");
    if (options.configuration.empty() || options.configuration.front() != '/')
        throw Error(ErrorKind::usage, "--config: the configuration needs a whole path");
    if (options.spool.empty()) options.spool = "/var/spool/walferry/" + options.cluster;
    need_users(options);
    const Settings settings = configuration(options);
    join_group(options);
    make_spool(options, settings);
    set_up_server(options, settings);
    set_up_timers(options);
    return settings;
}

}  // namespace walferry
