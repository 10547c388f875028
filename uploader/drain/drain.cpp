#include "uploader/drain/drain.hpp"

#include <algorithm>
#include <mutex>

#include "common/error.hpp"
#include "common/settings/store_selection.hpp"
#include "common/sleep.hpp"
#include "uploader/drain/follow.hpp"
#include "uploader/drain/run.hpp"

namespace walferry::drain {
namespace {

using std::chrono::steady_clock;

// Nothing can be done now. With time left (--wait): until something is due again.
bool wait_for_retry(DrainRun& run, const Agenda& agenda) {
    const auto now = steady_clock::now();
    if (!run.unfinished(agenda) || now >= run.deadline()) return false;
    const auto wait = std::min<steady_clock::duration>(run.until_due(), run.deadline() - now);
    sleep_unless_stopped(run.stop(), std::chrono::ceil<std::chrono::milliseconds>(wait));
    run.revive();
    return true;
}

void empty_the_spool(DrainRun& run) {
    run.remove_leftovers();
    while (!run.stop().stop_requested()) {
        const Agenda agenda = run.look();
        const std::vector<Task*> tasks = run.due(agenda);
        if (tasks.empty()) {
            if (!wait_for_retry(run, agenda)) return;
            continue;
        }
        Pass pass(run.parts());
        pass.begin(tasks.size());
        pass.add(tasks);
        pass.finish();
        run.note_troubled(tasks);
    }
}

}  // namespace

Drain::Drain(const Settings& settings, DrainOptions options, console::Outcome& outcome, std::stop_token stop)
    : settings_(settings), options_(std::move(options)), outcome_(outcome), stop_(std::move(stop)) {}

DrainResult Drain::run(const Watch& watch) {
    require_stores(settings_, options_.only_stores, "--store");
    DrainRun run(settings_, options_, outcome_, stop_);
    {
        const Watched watched(watch, [&run] { return run.view(); });
        try {
            options_.follow ? follow(run) : empty_the_spool(run);
        } catch (const Error& error) {
            // Whatever ends it early, what was found out until then still counts.
            outcome_.report(traits(error.kind()).exit_code, error.what());
        }
    }
    return run.conclude();
}

}  // namespace walferry::drain
