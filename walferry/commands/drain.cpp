#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "console/exit_code.hpp"
#include "console/signals.hpp"
#include "uploader/drain/drain.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    drain::DrainOptions drain;
    long long wait_seconds = 0;
    std::size_t limit = 0;
    int jobs = 0;
    bool json = false, quiet = false;
};

std::string summary(const drain::DrainResult& result) {
    std::string line = counted(result.removed_segments, "segment", "segments") + " (" +
                       format_bytes(result.removed_bytes) +
                       ") verified in every store and removed from the spool in " +
                       format_duration(std::chrono::duration_cast<std::chrono::seconds>(result.elapsed)) +
                       "; " + counted(result.verified_uploads, "upload", "uploads") + " verified";
    if (result.adopted_segments > 0)
        line += ", " + std::to_string(result.adopted_segments) + " adopted that the ledger did not know";
    line += ", " + counted(result.pending_segments, "segment", "segments") + " still pending";
    // Why stands on standard error already.
    std::string failed;
    for (const auto& [store, error] : result.store_errors) failed += (failed.empty() ? "" : ", ") + store;
    if (!failed.empty()) line += "; did not take everything: " + failed + " (reasons above)";
    return line;
}

bool nothing_happened(const drain::DrainResult& result) {
    return result.exit_code == 0 && result.removed_segments == 0 && result.verified_uploads == 0 &&
           result.adopted_segments == 0 && result.pending_segments == 0 && result.store_errors.empty();
}

nlohmann::json as_json(const drain::DrainResult& result) {
    nlohmann::json stores = nlohmann::json::object();
    for (const auto& [store, error] : result.store_errors) stores[store] = error;
    return {{"exit_code", result.exit_code},
            {"removed_segments", result.removed_segments},
            {"removed_bytes", result.removed_bytes},
            {"verified_uploads", result.verified_uploads},
            {"adopted_segments", result.adopted_segments},
            {"pending_segments", result.pending_segments},
            {"elapsed_seconds", static_cast<double>(result.elapsed.count()) / 1000},
            {"store_errors", stores}};
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;  // before any thread is started
    Settings settings = load_settings(settings_path(global.config));
    if (options.jobs > 0) settings.jobs = options.jobs;
    drain::DrainOptions drain = options.drain;
    drain.wait = std::chrono::seconds(options.wait_seconds);
    if (options.limit > 0) drain.limit = options.limit;

    drain::DrainResult result;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        console::Outcome outcome([&progress](const std::string& line) { progress.say(line); });
        result = drain::Drain(settings, drain, outcome, signals.token())
                     .run([&progress](drain::Drain::Viewer viewer) { progress.watch(std::move(viewer)); });
    }
    if (options.json) {
        std::printf("%s\n",
                    as_json(result).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else if (!options.quiet || !nothing_happened(result)) {
        std::printf("%s\n", one_line(summary(result)).c_str());
    }
    return result.exit_code;
}

}  // namespace

CommandBody declare_drain(CLI::App& app) {
    auto options = std::make_shared<Options>();
    CLI::Option* follow = app.add_flag("--follow", options->drain.follow,
                                       "Stay, and send whatever appears in the spool within a second");
    app.add_option("--wait", options->wait_seconds,
                   "Wait up to SECONDS for the lock, and go on trying what is pending")
        ->type_name("SECONDS")
        ->check(CLI::Range(0LL, 31'536'000LL));
    app.add_option("--limit", options->limit, "Take on at most N segments, the oldest")
        ->type_name("N")
        ->check(CLI::PositiveNumber)
        ->excludes(follow);
    app.add_option("--store", options->drain.only_stores,
                   "Send to this store only (may be repeated); a segment still leaves the spool only when it "
                   "is verified in all of them")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app.add_option("--jobs", options->jobs, "Workers [the configuration's `jobs`]")
        ->type_name("N")
        ->check(CLI::Range(1, 64));
    CLI::Option* json = app.add_flag("--json", options->json, "The summary as JSON");
    app.add_flag("--quiet", options->quiet, "Print no summary when there was nothing to do")->excludes(json);
    app.footer(
        "Each spooled segment is compressed, encrypted and put into every store, read back whole\n"
        "and compared, and recorded as verified. Only when the ledger says so for all stores is\n"
        "its file deleted. A store that is down holds up no other one; what it misses stays in\n"
        "the spool for the next run.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
