#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>

#include "common/codec/signing.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "host/spool_setup.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    std::string owner, group, spool;
};

// The writer key is the uploader's own. Made by root, it goes to the user that bears the group's name, as the
// package has it; where there is none, root keeps it and the message says what to do.
void make_writer_key(const std::string& path, const host::SpoolOwner& owner) {
    if (::access(path.c_str(), F_OK) == 0) return;
    WriterKey::generate().save(path);
    std::printf("made %s (trusted_writers of the hosts that restore: %s)\n", path.c_str(),
                WriterKey::load(path).public_key().c_str());
    if (::geteuid() != 0) return;
    const struct group* group = ::getgrgid(owner.group);
    const passwd* uploader = group ? ::getpwnam(group->gr_name) : nullptr;
    if (!uploader) {
        std::printf("it belongs to root: give it to the user that runs `walferry drain`, `chown USER %s`\n",
                    path.c_str());
    } else if (::chown(path.c_str(), uploader->pw_uid, uploader->pw_gid) != 0) {
        throw_errno(errno, "give " + path + " to " + uploader->pw_name);
    }
}

int run(const GlobalOptions& global, const Options& options) {
    std::optional<Settings> settings;
    if (options.spool.empty() || global.config) settings = load_settings(settings_path(global.config));
    const SpoolPaths spool(options.spool.empty() ? settings->spool : options.spool);
    const host::SpoolOwner owner = host::find_spool_owner(spool, options.owner, options.group);
    const auto changes = host::set_up_spool(spool, owner);
    for (const std::string& change : changes) std::printf("%s\n", one_line(change).c_str());
    if (changes.empty()) std::printf("%s is as it should be\n", spool.root.c_str());
    if (settings && !settings->signing_key_file.empty()) make_writer_key(settings->signing_key_file, owner);
    return 0;
}

}  // namespace

CommandBody declare_init(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option(
           "--owner", options->owner,
           "The user the PostgreSQL server runs as [as it is; for a new spool the caller, but for root]")
        ->type_name("USER");
    app.add_option(
           "--group", options->group,
           "The group it shares with the uploader [as it is; for a new spool the caller's, but for root]")
        ->type_name("GROUP");
    app.add_option("--spool", options->spool, "The spool directory [the configuration's `spool`]")
        ->type_name("DIR");
    app.footer(
        "Run again, it corrects owners and modes and touches no data. The writer key is made too,\n"
        "where the configuration names one that does not exist.\n\n"
        "  walferry init --owner postgres --group walferry\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
