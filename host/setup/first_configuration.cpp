#include "host/setup/first_configuration.hpp"

#include <algorithm>
#include <cstdio>

#include "common/codec/age/age_keys.hpp"
#include "common/error.hpp"
#include "common/settings/settings_reader.hpp"
#include "common/spool_paths.hpp"
#include "host/setup/answers.hpp"
#include "host/setup/key_files.hpp"
#include "host/setup/public_files.hpp"
#include "host/setup/units.hpp"
#include "server/conninfo.hpp"

namespace walferry::setup {
namespace {

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
}

server::Conninfo parse_option(const std::string& conninfo) {
    try {
        return server::parse_conninfo(conninfo);
    } catch (const Error& error) {
        throw Error(ErrorKind::usage, "--conninfo is not a libpq connection string",
                    "it looks like \"host=/var/run/postgresql port=5432\", or postgresql:///?port=5432");
    }
}

/// What the configuration says of the server: the place that was named, and the uploader's role.
std::string server_of(const SetupOptions& options, const std::string& role) {
    return server::with_user(server::conninfo_text(parse_option(options.conninfo)), role);
}

/// `writer`: the key's file and its public half; without it, objects are not signed.
std::string compose(const SetupOptions& options, const std::string& role,
                    const std::vector<std::string>& recipients,
                    const std::pair<std::string, std::string>& writer) {
    std::vector<ChosenKey> keys{{"", "cluster", {options.cluster}, false},
                                {"", "spool", {options.spool}, false},
                                {"server", "conninfo", {server_of(options, role)}, false},
                                {"encryption", "recipients", recipients, true}};
    if (!writer.first.empty()) {
        keys.push_back({"signing", "key_file", {writer.first}, false});
        keys.push_back({"signing", "trusted_writers", {writer.second}, true});
    }
    if (!options.retention.empty())
        keys.push_back({"retention", "recovery_window", {options.retention}, false});
    std::vector<ChosenStore> stores;
    for (StoreChoice store : options.stores) {
        if (!store.ca_file.empty()) store.ca_file = KeyFolder::authority_name(options.cluster, store);
        stores.push_back(chosen_store(store, KeyFolder::store_keys_name(options.cluster, store)));
    }
    return compose_settings(keys, stores);
}

/// Throws usage for the first thing that is wrong. The file is not there yet, so its lines would tell nobody
/// anything.
void refuse_problems(const std::string& text, const std::string& file) {
    const SettingsReport report = parse_settings(text, file, "");
    if (report.problems.empty()) {
        refuse_hidden_places(report.settings);
        return;
    }
    const std::string& problem = report.problems.front();
    const std::size_t place = problem.find(": ");
    throw Error(ErrorKind::usage, place == std::string::npos ? problem : problem.substr(place + 2));
}

/// Before any file is made: a slip of the pen leaves nothing behind.
void try_out(const SetupOptions& options, const std::string& role) {
    std::vector<std::string> recipients = options.recipients;
    if (!options.identity_file.empty()) recipients.push_back(AgeIdentity::generate().recipient().text());
    refuse_problems(compose(options, role, recipients, {}), options.configuration);
    for (const StoreChoice& store : options.stores) {
        if (!store.ca_file.empty()) read_authority(store.ca_file);
    }
}

void tell_of_unused_user(const SetupOptions& options, const std::string& role) {
    const server::Conninfo named = parse_option(options.conninfo);
    const auto user = named.find("user");
    if (user == named.end() || user->second == role) return;
    say("the uploader logs in to the server as " + role + ", and not as the user that --conninfo names");
}

[[noreturn]] void refuse_to_change(const std::string& what, const Settings& settings) {
    throw Error(ErrorKind::usage, what + settings.file + " exists, and is never replaced",
                "edit it (walferry.toml(5) explains every key), or name another file with --config; without "
                "stores and recipients, setup goes on from what it says");
}

/// Two connection strings are the same if they lead to the same place; who logs in there is another matter.
bool same_server(const std::string& one, const std::string& other) {
    return server::with_user(one, "") == server::with_user(other, "");
}

void refuse_disagreement(const SetupOptions& options, const Settings& settings) {
    const auto refuse = [&](const char* option, const std::string& says) {
        refuse_to_change(option + (" is not what " + settings.file) + " says (" + says + "): ", settings);
    };
    if (!options.stores.empty() || !options.recipients.empty()) refuse_to_change("", settings);
    if (!options.identity_file.empty() &&
        !(exists(options.identity_file) && is_recipients_identity(options.identity_file, settings)))
        refuse("--identity", "none of its recipients belongs to " + options.identity_file);
    if (!options.cluster.empty() && options.cluster != settings.cluster)
        refuse("--cluster", "cluster = \"" + settings.cluster + "\"");
    if (!options.spool.empty() && SpoolPaths(options.spool).root != SpoolPaths(settings.spool).root)
        refuse("--spool", "spool = \"" + settings.spool + "\"");
    if (!options.retention.empty() &&
        !settings.retention.policy().starts_with("recovery_window=" + options.retention + " "))
        refuse("--retention", settings.retention.expires() ? settings.retention.policy() : "no [retention]");
    if (options.conninfo.empty()) return;
    const std::string named = server::conninfo_text(parse_option(options.conninfo));
    if (!same_server(named, settings.server_conninfo))
        refuse("--conninfo", "conninfo = \"" + settings.server_conninfo + "\"");
}

}  // namespace

Settings first_configuration(SetupOptions& options, const std::string& role) {
    complete_stores(options);
    complete_recipients(options);
    complete_conninfo(options);
    try_out(options, role);
    KeyFolder keys(options.configuration.substr(0, options.configuration.rfind('/')));
    for (const StoreChoice& store : options.stores) {
        if (store.type == StoreType::s3) keys.take_store_keys(options.cluster, store);
        if (!store.ca_file.empty()) keys.take_authority(options.cluster, store);
    }
    std::vector<std::string> recipients = options.recipients;
    if (!options.identity_file.empty()) {
        const bool there = exists(options.identity_file);
        recipients.push_back(recipient_of_new_identity(options.identity_file));
        if (!there) say("made " + options.identity_file);
    }
    const auto writer = keys.writer_key();
    const std::string text = compose(options, role, recipients, writer);
    refuse_problems(text, options.configuration);
    create_public_file(options.configuration, text);
    for (const std::string& file : keys.made()) say("made " + file);
    say("made " + options.configuration);
    tell_of_unused_user(options, role);
    return load_settings(options.configuration);
}

Settings existing_configuration(const SetupOptions& options) {
    Settings settings = load_settings(options.configuration);
    refuse_disagreement(options, settings);
    refuse_hidden_places(settings);
    say(options.configuration + " is there, and is left as it is");
    return settings;
}

bool is_recipients_identity(const std::string& file, const Settings& settings) {
    try {
        const std::string recipient = recipient_of_identity(file);
        return std::find(settings.recipients.begin(), settings.recipients.end(), recipient) !=
               settings.recipients.end();
    } catch (const Error&) {
        return false;
    }
}

}  // namespace walferry::setup
