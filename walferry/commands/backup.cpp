#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/size_text.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "uploader/backup/backup.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    backup::BackupOptions backup;
    std::string checkpoint = "spread";
    std::string max_rate;
    int jobs = 0;
    bool no_drain = false;
    bool no_verify_checksums = false;
    bool json = false;
};

// What the server takes: 32 kB/s to 1 GB/s.
std::uint64_t rate_kib(const std::string& text) {
    const auto bytes = parse_size(text);
    if (!bytes || *bytes < 32 * 1024 || *bytes > std::uint64_t{1} << 30) {
        throw Error(ErrorKind::usage, "--max-rate " + text + ": not a rate that the server knows",
                    "bytes a second, from 32k to 1G");
    }
    return *bytes / 1024;
}

// It lands in the server's backup_label, one line of it.
void check_label(const std::string& label) {
    const bool control = std::any_of(
        label.begin(), label.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (label.size() > 500 || control)
        throw Error(ErrorKind::usage, "--label: one line of at most 500 bytes");
}

nlohmann::json as_json(const backup::BackupResult& result) {
    auto stores = nlohmann::json::array();
    for (const backup::BackupResult::Store& store : result.stores) {
        stores.push_back(
            {{"name", store.name},
             {"complete", store.complete},
             {"restorable", store.restorable},
             {"missing_wal_segments", console::json_or_null(store.missing_wal)},
             {"error", store.error.empty() ? nlohmann::json(nullptr) : nlohmann::json(store.error)}});
    }
    return {{"exit_code", result.exit_code},
            {"id", result.id},
            {"system_identifier", std::to_string(result.system_identifier)},
            {"timeline", result.timeline},
            {"start_lsn", result.start_lsn},
            {"stop_lsn", result.stop_lsn},
            {"started_at", result.started_at},
            {"stopped_at", result.stopped_at},
            {"first_segment", result.first_segment},
            {"last_segment", result.last_segment},
            {"size", result.size},
            {"object_size", result.object_size},
            {"config_files", result.config_files},
            {"missing", result.missing},
            {"elapsed_seconds", static_cast<double>(result.elapsed.count()) / 1000},
            {"stores", stores}};
}

void print(const backup::BackupResult& result) {
    std::printf("backup %s: %s, %s as stored, in %s\n", result.id.c_str(), format_bytes(result.size).c_str(),
                format_bytes(result.object_size).c_str(),
                format_duration(std::chrono::duration_cast<std::chrono::seconds>(result.elapsed)).c_str());
    std::printf("its WAL: %s to %s, timeline %u; consistent from %s on\n", result.first_segment.c_str(),
                result.last_segment.c_str(), result.timeline, result.stopped_at.c_str());
    for (const backup::BackupResult::Store& store : result.stores) {
        const char* state = store.restorable ? "can be restored from it alone"
                            : store.complete && !result.missing.empty()
                                ? "verified there, but it lacks a part of the cluster: not restorable"
                            : store.complete ? "verified there, its WAL is not complete there yet"
                                             : "not there";
        std::printf("  %-16s %s\n", store.name.c_str(), state);
    }
}

int run(const GlobalOptions& global, Options options) {
    const console::StopOnSignal signals;  // before any thread is started
    Settings settings = load_settings(settings_path(global.config));
    if (options.jobs > 0) settings.jobs = options.jobs;
    check_label(options.backup.label);
    options.backup.fast_checkpoint = options.checkpoint == "fast";
    if (!options.max_rate.empty()) options.backup.max_rate_kib = rate_kib(options.max_rate);
    options.backup.drain = !options.no_drain;
    options.backup.verify_checksums = !options.no_verify_checksums;

    backup::BackupResult result;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        console::Outcome outcome([&progress](const std::string& line) { progress.say(line); });
        result = backup::make_backup(settings, options.backup, outcome, progress, signals.token());
    }
    if (options.json) {
        std::printf("%s\n", console::json_text(as_json(result)).c_str());
    } else {
        print(result);
    }
    return result.exit_code;
}

}  // namespace

CommandBody declare_backup(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("--label", options->backup.label, "A remark, kept in the server's backup_label")
        ->type_name("TEXT");
    app.add_option("--checkpoint", options->checkpoint,
                   "fast: at once; spread: gently, over minutes, as the server is set up [spread]")
        ->type_name("fast|spread")
        ->check(CLI::IsMember({"fast", "spread"}));
    app.add_option("--max-rate", options->max_rate,
                   "What the server may send a second, from 32k to 1G [as fast as it goes]")
        ->type_name("SIZE");
    app.add_option("--jobs", options->jobs,
                   "Cores to encode on; each takes 64 MiB of memory [the configuration's `jobs`]")
        ->type_name("N")
        ->check(CLI::Range(1, 64));
    app.add_flag("--no-drain", options->no_drain,
                 "Do not bring the WAL that the backup needs to the stores at its end");
    app.add_flag("--no-verify-checksums", options->no_verify_checksums,
                 "Do not let the server check its pages, to back up a damaged cluster all the same");
    app.add_flag("--json", options->json, "The summary as JSON");
    app.footer(
        "The server sends its files over the replication protocol; they are cut into pieces of\n"
        "64 MiB, each compressed, encrypted, put into every store at once, read back whole and\n"
        "compared. Nothing is written to a local disk. A store that fails is given up for this\n"
        "backup and holds up no other one (exit 4); the backup exists in those that hold all of\n"
        "it. Then the WAL that it needs is brought after it, where this host has the spool.\n"
        "What came is compared with what the server says there is: a backup that lacks a part of\n"
        "the cluster says which and is not restorable (exit 3).\n"
        "What the server must allow is in docs/backup.md: a role with REPLICATION, a line in\n"
        "pg_hba.conf for it, pg_read_all_settings, and pg_read_server_files for configuration\n"
        "outside the data directory.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
