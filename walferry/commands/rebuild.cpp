#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <mutex>

#include "common/clock.hpp"
#include "common/settings/settings.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "uploader/drain/progress.hpp"
#include "uploader/rebuild/rebuild.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    rebuild::RebuildOptions rebuild;
    bool json = false;
};

void print_summary(const rebuild::RebuildResult& result) {
    if (!result.set_aside.empty()) {
        std::printf("the old ledger was renamed (%s):\n", one_line(result.reason).c_str());
        for (const std::string& path : result.set_aside) std::printf("  %s\n", one_line(path).c_str());
    }
    std::printf("the ledger learned of %s from the spool and of %s from the stores' listings\n",
                counted(result.spooled, "segment", "segments").c_str(),
                counted(result.listed, "upload", "uploads").c_str());
    if (result.listed > 0) {
        std::printf(
            "those are `stored`, not verified: a listing does not prove whose they are, so a drain puts what "
            "is "
            "still spooled once more before it deletes anything\n");
    }
    if (result.backups > 0)
        std::printf("and of %s of base backups, by their indexes\n",
                    counted(result.backups, "copy", "copies").c_str());
    if (result.lost > 0) {
        std::printf("missing in a store: %s verified and gone since; see `walferry list --state pending`\n",
                    counted(result.lost, "upload was", "uploads were").c_str());
    }
    if (result.conflicts > 0)
        std::printf("CONFLICT: duplicate segments with different content; see `walferry conflicts`\n");
    for (const std::string& store : result.unlisted)
        std::printf("store %s could not be listed; run this again when it answers\n", store.c_str());
}

nlohmann::json as_json(const rebuild::RebuildResult& result, int code) {
    return {{"exit_code", code},
            {"reason", result.reason.empty() ? nlohmann::json(nullptr) : nlohmann::json(result.reason)},
            {"set_aside", result.set_aside},
            {"spooled_segments", result.spooled},
            {"listed_uploads", result.listed},
            {"listed_backups", result.backups},
            {"lost_uploads", result.lost},
            {"conflicts", result.conflicts},
            {"unlisted_stores", result.unlisted}};
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;  // before any thread is started
    const Settings settings = load_settings(settings_path(global.config));
    rebuild::RebuildResult result;
    int code = console::exit_code::done;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        console::Outcome outcome([&progress](const std::string& line) { progress.say(line); });
        std::mutex mutex;
        std::string text;
        const drain::Progress::Shown shown(progress, [&](std::chrono::milliseconds, std::size_t) {
            const std::lock_guard lock(mutex);
            return text;
        });
        result = rebuild::rebuild_ledger(settings, options.rebuild, outcome, signals.token(),
                                         [&](const std::string& now) {
                                             const std::lock_guard lock(mutex);
                                             text = now;
                                         });
        code = outcome.exit_code();
    }
    if (options.json) {
        std::printf("%s\n", console::json_text(as_json(result, code)).c_str());
    } else {
        print_summary(result);
    }
    return code;
}

}  // namespace

CommandBody declare_rebuild(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_flag("--anew", options->rebuild.anew, "Make a new ledger also where the old one is sound");
    app.add_flag("--json", options->json, "The summary as JSON");
    app.footer(
        "A ledger that is damaged is renamed, with its -wal and -shm, to a name that holds the time;\n"
        "nothing is deleted. The new one is made from the spool and the stores' listings alone. A\n"
        "sound ledger is kept, and learns what the listings know beside it, and what a store has\n"
        "lost of that which was verified there. No drain may run meanwhile; archiving goes on.\n\n"
        "What a listing cannot tell: which uploads were verified (they become `stored`), when a\n"
        "segment was spooled, which stores were retired.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
