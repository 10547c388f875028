#include "archive-push/options.hpp"

#include <getopt.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "archive-push/message.hpp"
#include "common/error.hpp"
#include "common/pg_control.hpp"
#include "common/size_text.hpp"

namespace walferry::push {
namespace {

constexpr const char* default_spool = "/var/spool/walferry/main";

struct OptionRow {
    const char* name;
    const char* argument;  // nullptr: takes none
    const char* help;
    char key;
};

constexpr std::array table{
    OptionRow{"spool", "DIR", "the spool; default: $WALFERRY_SPOOL, then /var/spool/walferry/main", 's'},
    OptionRow{"system-identifier", "N", "the cluster, where its global/pg_control cannot be found", 'i'},
    OptionRow{"max-spool", "SIZE", "refuse what would make the waiting segments exceed SIZE", 'x'},
    OptionRow{"min-free", "SIZE", "refuse what would leave less than SIZE free on the spool's disk", 'f'},
    OptionRow{"help", nullptr, "print this text", 'h'},
    OptionRow{"version", nullptr, "print the version", 'v'},
};

[[noreturn]] void wrong(const std::string& message) {
    throw Error(ErrorKind::usage, message, "walferry-archive-push --help shows how it is called");
}

std::uint64_t size_argument(const OptionRow& row, const char* text) {
    const auto size = parse_size(text);
    if (!size) {
        throw Error(ErrorKind::usage, "--" + std::string(row.name) + ": \"" + text + "\" is not a size",
                    "write bytes, or a unit: 10G, 512MiB");
    }
    return *size;
}

void apply(CommandLine& line, const OptionRow& row, const char* argument) {
    switch (row.key) {
        case 's':
            if (*argument == '\0') wrong("--spool: the directory's name is empty");
            line.options.spool = argument;
            break;
        case 'i':
            line.options.system_identifier = parse_system_identifier(argument);
            if (!line.options.system_identifier) {
                throw Error(ErrorKind::usage,
                            "--system-identifier: \"" + std::string(argument) + "\" is no system identifier",
                            "it is the decimal number that pg_controldata prints");
            }
            break;
        case 'x':
            line.options.max_spool = size_argument(row, argument);
            break;
        case 'f':
            line.options.min_free = size_argument(row, argument);
            break;
        case 'h':
            line.request = Request::help;
            break;
        default:
            line.request = Request::version;
            break;
    }
}

std::string spool_by_default() {
    const char* environment = std::getenv("WALFERRY_SPOOL");
    return environment != nullptr && *environment != '\0' ? environment : default_spool;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
    std::array<option, table.size() + 1> long_options{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        long_options[i] = {table[i].name, table[i].argument != nullptr ? required_argument : no_argument,
                           nullptr, table[i].key};
    }
    CommandLine line;
    opterr = 0;  // our own words, on one line
    optind = 0;  // from the start, also when called again
    for (int key = 0; (key = ::getopt_long(argc, argv, ":hV", long_options.data(), nullptr)) != -1;) {
        const std::string given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (key == ':') wrong(given + " needs an argument");
        if (key == '?') wrong(given + " is not an option, or has an argument it does not take");
        for (const OptionRow& row : table) {
            if (row.key == key || (row.key == 'v' && key == 'V')) apply(line, row, optarg);
        }
    }
    if (line.request != Request::archive) {
        // Exit code 0 beside a segment's path would tell PostgreSQL that it is archived.
        if (optind < argc) wrong("--help and --version archive nothing: they take no path");
        return line;
    }
    if (optind >= argc) wrong("no path: which file is to be archived? (archive_command gives it as %p)");
    if (optind + 1 < argc)
        wrong("more than one path: " + std::string(argv[optind]) + ", " + argv[optind + 1]);
    line.options.path = argv[optind];
    if (line.options.spool.empty()) line.options.spool = spool_by_default();
    return line;
}

std::string help_text() {
    std::string text =
        "usage: walferry-archive-push [OPTION]... PATH\n\n"
        "Copies one finished WAL file durably into the local spool, from where `walferry drain`\n"
        "takes it to the stores. For postgresql.conf:\n\n"
        "    archive_mode = on\n"
        "    archive_command = 'walferry-archive-push %p'\n\n";
    for (const OptionRow& row : table) {
        std::string left = "  --" + std::string(row.name) + (row.argument != nullptr ? " " : "") +
                           (row.argument != nullptr ? row.argument : "");
        left.resize(26, ' ');
        text += left + row.help + "\n";
    }
    text +=
        "\nSIZE is a number of bytes or has a unit, each a power of 1024: 512MB, 10GiB, 2T.\n\n"
        "exit status:\n"
        "  0  archived, or already archived with the same content\n"
        "  1  not archived, PostgreSQL retries (I/O error, full spool, no regular file ...)\n"
        "  2  wrong usage, no such spool\n"
        "  3  refused: same name with other content, or not what its name says\n";
    return text;
}

}  // namespace walferry::push
