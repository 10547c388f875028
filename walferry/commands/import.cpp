#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/size_text.hpp"
#include "common/wal/pg_control.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "uploader/drain/progress.hpp"
#include "uploader/import/import.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    importing::ImportOptions import;
    std::string system_identifier, max_spool, min_free;
    bool json = false;
};

std::optional<std::uint64_t> size_option(const char* name, const std::string& text) {
    if (text.empty()) return std::nullopt;
    if (const auto size = parse_size(text)) return size;
    throw Error(ErrorKind::usage, std::string(name) + ": \"" + text + "\" is not a size",
                "write bytes, or a unit: 10G, 512MiB");
}

importing::ImportOptions import_options(const Options& options) {
    importing::ImportOptions import = options.import;
    if (!options.system_identifier.empty()) {
        import.system_identifier = parse_system_identifier(options.system_identifier);
        if (!import.system_identifier) {
            throw Error(ErrorKind::usage,
                        "--system-identifier: \"" + options.system_identifier + "\" is no system identifier",
                        "it is the decimal number that pg_controldata prints");
        }
    }
    import.limits = {
        size_option("--max-spool", options.max_spool), size_option("--min-free", options.min_free),
        "nothing was dropped: what is left stays in " + import.directory + "; import it after a drain"};
    return import;
}

void print_summary(const importing::ImportOptions& options, const importing::ImportResult& result) {
    std::string line = counted(result.imported, "file", "files") + " (" +
                       format_bytes(result.imported_bytes) + ") taken into the spool in " +
                       format_duration(std::chrono::duration_cast<std::chrono::seconds>(result.elapsed));
    const auto add = [&line](std::size_t count, const char* one, const char* many) {
        if (count > 0) line += ", " + counted(count, one, many);
    };
    add(result.already_spooled, "was there already", "were there already");
    add(result.already_verified, "is still listed in every store, where it was verified",
        "are still listed in every store, where they were verified");
    add(result.refused, "refused", "refused");
    add(result.failed, "failed", "failed");
    add(result.left, "left for later", "left for later");
    add(result.others.size(), "has no WAL file's name and was left alone",
        "have no WAL file's name and were left alone");
    std::printf("%s\n", line.c_str());
    for (std::size_t i = 0; i < result.others.size() && i < 5; ++i) {
        std::printf("  left alone: %s/%s\n", one_line(options.directory).c_str(),
                    one_line(result.others[i]).c_str());
    }
    if (result.imported + result.already_spooled > 0)
        std::printf("`walferry drain` brings what waits to the stores\n");
}

nlohmann::json as_json(const importing::ImportResult& result, int code) {
    return {{"exit_code", code},
            {"imported", result.imported},
            {"imported_bytes", result.imported_bytes},
            {"already_spooled", result.already_spooled},
            {"already_verified", result.already_verified},
            {"refused", result.refused},
            {"failed", result.failed},
            {"left", result.left},
            {"other_names", result.others},
            {"store_trouble",
             result.store_trouble.empty() ? nlohmann::json(nullptr) : nlohmann::json(result.store_trouble)},
            {"ledger_trouble",
             result.ledger_trouble.empty() ? nlohmann::json(nullptr) : nlohmann::json(result.ledger_trouble)},
            {"elapsed_seconds", static_cast<double>(result.elapsed.count()) / 1000}};
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;  // before any thread is started
    const Settings settings = load_settings(settings_path(global.config));
    const importing::ImportOptions import = import_options(options);
    int code = console::exit_code::done;
    importing::ImportResult result;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        console::Outcome outcome([&progress](const std::string& line) { progress.say(line); });
        result = importing::import_directory(
            settings, import, outcome, signals.token(),
            [&progress](drain::Drain::Viewer viewer) { progress.watch(std::move(viewer)); });
        if (!result.ledger_trouble.empty()) {
            outcome.report(
                console::exit_code::done,
                "the ledger will learn of these files only at the next drain: " + result.ledger_trouble);
        }
        if (!result.store_trouble.empty()) {
            outcome.report(
                console::exit_code::done,
                "whether the stores still have what was verified there could not be seen, so it came "
                "into the spool again; the next drain reads it back: " +
                    result.store_trouble);
        }
        code = outcome.exit_code();
    }
    if (options.json) {
        std::printf("%s\n", console::json_text(as_json(result, code)).c_str());
    } else {
        print_summary(import, result);
    }
    return code;
}

}  // namespace

CommandBody declare_import(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("DIR", options->import.directory, "Where an earlier archive_command copied to")
        ->required()
        ->type_name("DIR");
    app.add_flag("--keep", options->import.keep, "Leave the files in DIR too");
    app.add_flag("--any-owner", options->import.any_owner,
                 "Also what other users may have written: it is signed as this host's and replayed as the "
                 "server's own");
    app.add_option("--system-identifier", options->system_identifier,
                   "The cluster's, for history and backup files in a directory without its segments")
        ->type_name("N");
    app.add_option("--max-spool", options->max_spool, "Stop where the spool would exceed SIZE")
        ->type_name("SIZE");
    app.add_option("--min-free", options->min_free,
                   "Stop where less than SIZE would be left on the spool's disk")
        ->type_name("SIZE");
    app.add_flag("--json", options->json, "The summary as JSON");
    app.footer(
        "Takes every WAL file of a directory into the spool the way walferry-archive-push does:\n"
        "checked against its name, durable, never replacing anything. A file leaves DIR when it is\n"
        "safe in the spool, or when every store still lists what was put there and read back; what\n"
        "only the ledger calls verified is spooled again. One whose name stands for another content\n"
        "already, or that is not what its name says, stays and is named. Whatever is no WAL file\n"
        "stays too. Only files of the spool's owner or root are taken, with a mode that lets no other\n"
        "user write, from a directory that no other user can write to or put another one in the\n"
        "place of: anything else may be another user's WAL, and needs --any-owner. It can be\n"
        "interrupted and run again. Run it as root or as the server's user.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
