#include "archive-get/options.hpp"

#include <algorithm>
#include <array>

#include "common/error.hpp"

namespace walferry::get {
namespace {

constexpr std::array table{
    OptionRow{"config", "FILE", "configuration; default: $WALFERRY_CONFIG, then /etc/walferry/walferry.toml",
              'c'},
    OptionRow{"only", "STORE", "ask this store only, and not the spool; may be repeated", 'o'},
    OptionRow{"without", "STORE", "do without this store, as if it were gone for good; may be repeated", 'w'},
    OptionRow{"spool", "DIR", "look into this spool first; default: the configuration's", 's'},
    OptionRow{"no-spool", nullptr, "this host has no spool: ask the stores only", 'S'},
    OptionRow{"system-identifier", "N", "the cluster, where its global/pg_control cannot be found", 'i'},
    OptionRow{"no-prefetch", nullptr, "fetch this file only, and leave no helper behind", 'n'},
    OptionRow{"help", nullptr, "print this text", 'h'},
    OptionRow{"version", nullptr, "print the version", 'v'},
};

constexpr std::array exit_statuses{
    ExitStatusRow{0, "restored"},
    ExitStatusRow{
        1,
        "not in the archive: every store that was asked answered, none has it, and none has anything "
        "later, of that timeline or of one that leads on from it; nor has the spool, which was looked into; "
        "recovery ends here"},
    ExitStatusRow{255,
                  "anything else: a store that cannot be reached, a spool that cannot be entered, a gap, no "
                  "key, a conflict, damage "
                  "everywhere. PostgreSQL stops the recovery instead of ending it early"},
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
            line.options.system_identifier = system_identifier_argument(argument);
            break;
        case 's':
            line.options.spool = argument;
            break;
        case 'S':
            line.options.no_spool = true;
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
    CommandLine line;
    const int operand =
        parse_options(argc, argv, program_text(),
                      [&line](const OptionRow& row, const char* argument) { apply(line, row, argument); });
    const int left = argc - operand;
    if (line.request != Request::fetch) {
        // Exit code 0 beside a segment's name would tell PostgreSQL that the file is there.
        if (left > 0) wrong("--help and --version restore nothing: they take no file");
        return line;
    }
    if (left != 2) {
        wrong(left == 0 ? "no file is named (restore_command gives %f and %p)"
              : left == 1
                  ? "only one of NAME and DEST is given (restore_command gives %f and %p)"
                  : "more than NAME and DEST is given, from " + std::string(argv[operand + 2]) + " on");
    }
    if (line.options.spool && line.options.no_spool) wrong("--spool and --no-spool exclude each other");
    if (line.options.spool && !line.options.spool->starts_with('/'))
        wrong("--spool: \"" + *line.options.spool + "\" is no absolute path");
    line.options.name = argv[operand];
    line.options.destination = argv[operand + 1];
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
    if (options.spool) add_sorted("--spool", {*options.spool});
    if (options.no_spool) arguments.emplace_back("--no-spool");
    return arguments;
}

const ProgramText& program_text() {
    static constexpr ProgramText text{
        .name = "walferry-archive-get",
        .summary = "bring one WAL file of PostgreSQL back from the archive",
        .operands = "NAME DEST",
        .description =
            "Brings one WAL file back from the spool or the stores, checked in every respect, and puts it at "
            "DEST. For postgresql.conf, on a server that recovers:\n\n"
            "    restore_command = 'walferry-archive-get %f %p'\n\n"
            "The user who runs it, which is the server's, must be able to read the configuration, the "
            "stores' "
            "credentials and the identity.",
        .options = table,
        .notes = "",
        .exit_statuses = exit_statuses,
        .exit_notes =
            "On a standby (standby.signal) everything but success is 1 after at most five seconds, because a "
            "standby asks again and must not depend on the archive while it streams. With [restore] standby "
            "= \"strict\" in the configuration it stays 255 for .history files, for standbys that live on "
            "the "
            "archive alone: or a promotion could choose a timeline that exists.",
    };
    return text;
}

}  // namespace walferry::get
