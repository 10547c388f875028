#include "archive-get/options.hpp"

#include <getopt.h>

#include <algorithm>
#include <array>

#include "common/error.hpp"
#include "common/pg_control.hpp"

namespace walferry::get {
namespace {

struct OptionRow {
    const char* name;
    const char* argument;  // nullptr: takes none
    const char* help;
    char key;
};

constexpr std::array table{
    OptionRow{"config", "FILE", "configuration; default: $WALFERRY_CONFIG, then /etc/walferry/walferry.toml",
              'c'},
    OptionRow{"only", "STORE", "ask this store only, and not the spool; may be repeated", 'o'},
    OptionRow{"without", "STORE", "do without this store, as if it were gone for good; may be repeated", 'w'},
    OptionRow{"system-identifier", "N", "the cluster, where its global/pg_control cannot be found", 'i'},
    OptionRow{"no-prefetch", nullptr, "fetch this file only, and leave no helper behind", 'n'},
    OptionRow{"help", nullptr, "print this text", 'h'},
    OptionRow{"version", nullptr, "print the version", 'v'},
};

[[noreturn]] void wrong(const std::string& message) {
    throw Error(ErrorKind::usage, message, "walferry-archive-get --help shows how it is called");
}

void apply(CommandLine& line, const OptionRow& row, const char* argument) {
    switch (row.key) {
        case 'c':
            line.options.config = argument;
            break;
        case 'o':
            line.options.only.emplace_back(argument);
            break;
        case 'w':
            line.options.without.emplace_back(argument);
            break;
        case 'i':
            line.options.system_identifier = parse_system_identifier(argument);
            if (!line.options.system_identifier) {
                throw Error(ErrorKind::usage,
                            "--system-identifier: \"" + std::string(argument) + "\" is no system identifier",
                            "it is the decimal number that pg_controldata prints");
            }
            break;
        case 'n':
            line.options.prefetch = false;
            break;
        case 'h':
            line.request = Request::help;
            break;
        default:
            line.request = Request::version;
            break;
    }
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
    const int left = argc - optind;
    if (line.request != Request::fetch) {
        // Exit code 0 beside a segment's name would tell PostgreSQL that the file is there.
        if (left > 0) wrong("--help and --version restore nothing: they take no file");
        return line;
    }
    if (left != 2) {
        wrong(left == 0 ? "no file is named (restore_command gives %f and %p)"
              : left == 1
                  ? "only one of NAME and DEST is given (restore_command gives %f and %p)"
                  : "more than NAME and DEST is given, from " + std::string(argv[optind + 2]) + " on");
    }
    line.options.name = argv[optind];
    line.options.destination = argv[optind + 1];
    if (line.options.destination.empty()) wrong("the destination's name is empty");
    return line;
}

std::vector<std::string> fetch_arguments(const Options& options) {
    std::vector<std::string> arguments;
    const auto add_sorted = [&](const std::string& option, std::vector<std::string> values) {
        std::sort(values.begin(), values.end());
        for (std::string& value : values) {
            arguments.push_back(option);
            arguments.push_back(std::move(value));
        }
    };
    if (options.config) add_sorted("--config", {*options.config});
    add_sorted("--only", options.only);
    add_sorted("--without", options.without);
    return arguments;
}

std::string help_text() {
    std::string text =
        "usage: walferry-archive-get [OPTION]... NAME DEST\n\n"
        "Brings one WAL file back from the spool or the stores, checked in every respect, and puts it at\n"
        "DEST. For postgresql.conf, on a server that recovers:\n\n"
        "    restore_command = 'walferry-archive-get %f %p'\n\n"
        "Whoever runs it, which is the server's user, must be able to read the configuration, the stores'\n"
        "credentials and the identity.\n\n";
    for (const OptionRow& row : table) {
        std::string left = "  --" + std::string(row.name) + (row.argument != nullptr ? " " : "") +
                           (row.argument != nullptr ? row.argument : "");
        left.resize(26, ' ');
        text += left + row.help + "\n";
    }
    text +=
        "\nexit status:\n"
        "    0  restored\n"
        "    1  not in the archive: every store that was asked answered, none has it, and none has a later\n"
        "       WAL segment of that timeline; recovery ends here\n"
        "  255  anything else: a store that cannot be reached, a gap, no key, two contents, damage\n"
        "       everywhere. PostgreSQL stops the recovery instead of ending it early\n"
        "On a standby (standby.signal) everything but success is 1, because a standby asks again; for\n"
        ".history files it stays 255, or a promotion could choose a timeline that exists.\n";
    return text;
}

}  // namespace walferry::get
