#include "archive-push/options.hpp"

#include <array>
#include <cstdlib>
#include <string_view>

#include "common/error.hpp"
#include "common/size_text.hpp"
#include "common/spool_paths.hpp"

namespace walferry::push {
namespace {

constexpr std::array table{
    OptionRow{"spool", "DIR", "the spool; default: $WALFERRY_SPOOL, then /var/spool/walferry/main", 's'},
    OptionRow{"system-identifier", "N", "the cluster, where its global/pg_control cannot be found", 'i'},
    OptionRow{"max-spool", "SIZE", "refuse what would make the waiting segments exceed SIZE", 'x'},
    OptionRow{"min-free", "SIZE", "refuse what would leave less than SIZE free on the spool's disk", 'f'},
    OptionRow{"help", nullptr, "print this text", 'h'},
    OptionRow{"version", nullptr, "print the version", 'v'},
};

constexpr std::array exit_statuses{
    ExitStatusRow{0, "archived, or already archived with the same content"},
    ExitStatusRow{1, "not archived, PostgreSQL retries (I/O error, full spool, no regular file ...)"},
    ExitStatusRow{2, "wrong usage, no such spool"},
    ExitStatusRow{3, "refused: not what its name says, or no segment has its name in the spool"},
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
            line.options.system_identifier = system_identifier_argument(argument);
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
    return environment != nullptr && *environment != '\0' ? environment : usual_spool;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
    CommandLine line;
    const int operand =
        parse_options(argc, argv, program_text(),
                      [&line](const OptionRow& row, const char* argument) { apply(line, row, argument); });
    if (line.request != Request::archive) {
        // Exit code 0 beside a segment's path would tell PostgreSQL that it is archived.
        if (operand < argc) wrong("--help and --version archive nothing: they take no path");
        return line;
    }
    if (operand >= argc) wrong("no path: which file is to be archived? (archive_command gives it as %p)");
    if (operand + 1 < argc)
        wrong("more than one path: " + std::string(argv[operand]) + ", " + argv[operand + 1]);
    line.options.path = argv[operand];
    if (line.options.spool.empty()) line.options.spool = spool_by_default();
    return line;
}

const ProgramText& program_text() {
    static constexpr ProgramText text{
        .name = "walferry-archive-push",
        .summary = "archive one WAL file of PostgreSQL into the local spool",
        .operands = "PATH",
        .description =
            "Copies one finished WAL file durably into the local spool, from where `walferry drain` takes it "
            "to "
            "the stores. For postgresql.conf:\n\n"
            "    archive_mode = on\n"
            "    archive_command = 'walferry-archive-push %p'",
        .options = table,
        .notes = "SIZE is a number of bytes or has a unit, each a power of 1024: 512MB, 10GiB, 2T.",
        .exit_statuses = exit_statuses,
        .exit_notes = "",
    };
    return text;
}

}  // namespace walferry::push
