// walferry-manual FOLDER: writes the manual pages, the shells' completion and the sample configuration, all
// from the tables that the programs parse with, so that they cannot say something else.
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

#include "archive-get/options.hpp"
#include "archive-push/options.hpp"
#include "common/settings/settings.hpp"
#include "common/spool_paths.hpp"
#include "packaging/manual/completion.hpp"
#include "packaging/manual/pages.hpp"

using namespace walferry;
using namespace walferry::manual;

namespace {

const std::pair<std::string, std::string> configuration_file{"/etc/walferry/walferry.toml",
                                                             "The configuration, see walferry.toml(5)."};
const std::pair<std::string, std::string> spool{
    usual_spool, "The spool: `ready/` holds what waits, `ledger/ledger.db` the record (SQLite)."};
const std::pair<std::string, std::string> configuration_variable{
    "WALFERRY_CONFIG", "The configuration file, where --config is not given."};

Extras push_extras() {
    return {{{"WALFERRY_SPOOL", "The spool, where --spool is not given."}},
            {spool},
            "",
            "`walferry`(1), `walferry-archive-get`(1)"};
}

Extras get_extras() {
    return {{configuration_variable},
            {configuration_file, spool},
            "",
            "`walferry`(1), `walferry-archive-push`(1), `walferry.toml`(5)"};
}

Extras walferry_extras() {
    return {{configuration_variable,
             {"CREDENTIALS_DIRECTORY",
              "Where relative names of key and credential files are looked for first; "
              "systemd sets it (LoadCredential=)."},
             {"PGHOST, PGUSER and others", "libpq's, for what `[server] conninfo` leaves open."}},
            {configuration_file,
             {"/etc/walferry/credentials/",
              "Stores' keys and the writer key, for root alone; the systemd units "
              "hand them to the uploader."},
             {"/usr/share/doc/walferry/docs/", "What messages and this page call docs/NAME.md."},
             spool},
            "What waits, and what is wrong:\n\n"
            "    walferry status\n"
            "    sudo walferry check\n\n"
            "Bring a server back as it was at a moment:\n\n"
            "    sudo walferry restore --to /var/lib/postgresql/15/restored --target-time '2026-01-31 "
            "09:05:00+01'",
            "`walferry-archive-push`(1), `walferry-archive-get`(1), `walferry.toml`(5), `age`(1), `zstd`(1)"};
}

void write(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void write_all(const std::string& folder) {
    const ProgramDoc push = describe(push::program_text());
    const ProgramDoc get = describe(get::program_text());
    const ProgramDoc walferry = describe_walferry();
    write(folder + "/walferry.1", walferry_page(walferry, walferry_extras()));
    write(folder + "/walferry-archive-push.1", program_page(push, push_extras()));
    write(folder + "/walferry-archive-get.1", program_page(get, get_extras()));
    write(folder + "/walferry.toml.5", configuration_page());
    write(folder + "/walferry.bash", bash_completion({walferry, push, get}));
    write(folder + "/_walferry", zsh_completion({walferry, push, get}));
    write(folder + "/walferry.toml", sample_settings());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: walferry-manual FOLDER\n", stderr);
        return 2;
    }
    try {
        write_all(argv[1]);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "walferry-manual: %s\n", error.what());
        return 1;
    }
}
