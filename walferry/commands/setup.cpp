#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "common/error.hpp"
#include "console/exit_code.hpp"
#include "host/check/check.hpp"
#include "host/setup/setup.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    setup::SetupOptions setup;
    std::vector<std::string> s3, directories, regions, keys, authorities;
    bool no_check = false;
};

void read_stores(Options& options) {
    std::vector<setup::StoreChoice>& stores = options.setup.stores;
    for (const std::string& text : options.s3) stores.push_back(setup::parse_s3_choice(text));
    for (const std::string& text : options.directories) stores.push_back(setup::parse_directory_choice(text));
    const auto fill = [&](const char* option, const std::vector<std::string>& texts,
                          std::string setup::StoreChoice::*member) {
        for (const std::string& text : texts) {
            const auto [store, value] = setup::for_store(stores, option, text);
            store->*member = value;
        }
    };
    fill("--region", options.regions, &setup::StoreChoice::region);
    fill("--keys", options.keys, &setup::StoreChoice::keys_from);
    fill("--ca", options.authorities, &setup::StoreChoice::ca_file);
}

int run(const GlobalOptions& global, Options options) {
    read_stores(options);
    options.setup.configuration = settings_path(global.config);
    const setup::SetUp done = setup::set_up(std::move(options.setup));
    const int code = done.told_server ? console::exit_code::done : console::exit_code::incomplete;
    if (options.no_check) return code;
    std::printf("\n");
    std::fflush(stdout);
    check::CheckOptions how;
    how.uploader = done.uploader;
    std::printf("%s", check::check_text(done.settings, check::run_check(done.settings, how)).c_str());
    // What it found is for a person to go on with; the set-up itself is done.
    return code;
}

}  // namespace

CommandBody declare_setup(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    setup::SetupOptions& setup = options->setup;
    const auto repeated = [&](const char* name, std::vector<std::string>& values, const char* help,
                              const char* form) {
        app.add_option(name, values, help)->type_name(form)->allow_extra_args(false);
    };
    app.add_option("--cluster", setup.cluster, "Short name of the cluster [main]")->type_name("NAME");
    repeated("--s3", options->s3, "A store: a bucket, with a prefix if you want one (may be repeated)",
             "NAME=https://HOST/BUCKET");
    repeated("--directory", options->directories,
             "A store: a directory, such as a NAS mount (may be repeated)", "NAME=/PATH");
    repeated("--region", options->regions, "A bucket's region [told from the host's name]", "NAME=REGION");
    repeated("--keys", options->keys, "A bucket's keys, in the form of AWS's tools, to be copied [asked for]",
             "NAME=FILE");
    repeated("--ca", options->authorities,
             "The authority that signed a store's certificate, to be copied [the system's]", "NAME=FILE");
    repeated("--recipient", setup.recipients, "Public key of who may restore (may be repeated)", "age1...");
    app.add_option(
           "--identity", setup.identity_file,
           "A private key, whose public half is a recipient; made when it is missing, for you to take away")
        ->type_name("FILE");
    app.add_option("--spool", setup.spool, "Where segments wait [/var/spool/walferry/CLUSTER]")
        ->type_name("DIR");
    app.add_option("--conninfo", setup.conninfo,
                   "Where the server is, for libpq [the only socket in /var/run/postgresql]")
        ->type_name("CONNINFO");
    app.add_option("--owner", setup.owner, "The user the server runs as [as the spool is; postgres]")
        ->type_name("USER");
    app.add_option("--group", setup.group, "The uploader's user and group [as the spool is; walferry]")
        ->type_name("GROUP");
    app.add_option("--retention", setup.retention,
                   "How far back recovery can go; what is older is marked, and removed a day later [nothing "
                   "expires]")
        ->type_name("30d");
    app.add_flag("--apply", setup.apply, "Tell the server too, and start the timers");
    app.add_flag("--replace-archive-command", setup.replace_archive_command,
                 "With --apply: in place of another archive_command or archive_library");
    app.add_flag("--no-check", options->no_check, "Do not check everything at the end");
    app.footer(
        "Writes a commented configuration, keys and the spool, shows what the server is to be told\n"
        "(or tells it, with --apply), and checks everything. What is there already is never\n"
        "replaced; run again, it goes on from what it finds. What it cannot find out and was not\n"
        "told, it asks at the terminal. It looks for servers in /var/run/postgresql only: where the\n"
        "socket is elsewhere, --conninfo host=DIRECTORY names it. The package's units run what lies\n"
        "in /etc/walferry; for a configuration elsewhere, and where there are no units, it says what\n"
        "is to be run instead. Ends with 0 when it has done its part, whatever the check says\n"
        "(`walferry check` is for asking that), and with 4 where --apply was given and the server has\n"
        "not been told everything: it does not answer, archives elsewhere, or takes no ALTER SYSTEM.\n\n"
        "  sudo walferry setup --apply \\\n"
        "      --s3 r2=https://ACCOUNT.r2.cloudflarestorage.com/wal --keys r2=r2.keys \\\n"
        "      --s3 b2=https://s3.us-west-004.backblazeb2.com/wal-b2 --keys b2=b2.keys \\\n"
        "      --recipient age1...\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
