#include "uploader/drain/follow.hpp"

#include <algorithm>
#include <set>

#include "common/error.hpp"
#include "common/wal/segment_id.hpp"
#include "console/exit_code.hpp"
#include "uploader/drain/spool_watch.hpp"

namespace walferry::drain {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// As long as nothing happens: whatever the kernel did not tell of, and what could not be removed.
constexpr milliseconds longest_rest{60'000};
// While a pass runs, it is asked this often whether it has come to its end.
constexpr milliseconds busy_tick{100};
// A backlog is taken in portions, so that a store that is back does not wait for the whole of it.
constexpr std::size_t portion = 256;
// Somebody who looks at the log of a long outage shall find it there.
constexpr auto said_again = std::chrono::hours(1);

class Follower {
  public:
    explicit Follower(DrainRun& run) : run_(run), watch_(run.spool()) {
        if (!watch_.trouble().empty()) run_.outcome().report(console::exit_code::done, watch_.trouble());
    }

    void follow() {
        run_.remove_leftovers();
        while (!run_.stop().stop_requested()) {
            try {
                round();
                troubles_ = 0;
            } catch (const Error& error) {
                if (run_.stop().stop_requested() || traits(error.kind()).cure != Cure::wait) throw;
                run_.outcome().report(traits(error.kind()).exit_code, error.what());
                const milliseconds pause =
                    std::min(longest_rest, milliseconds(1000) * (1 << std::min(troubles_, 6)));
                ++troubles_;
                watch_.wait(pause, run_.stop());
            }
        }
    }

  private:
    void round() {
        const Agenda agenda = run_.look();
        std::vector<Task*> tasks = run_.due(agenda);
        if (tasks.empty()) return rest(agenda);
        tasks.resize(std::min(tasks.size(), portion));
        work(tasks);
        run_.judge_conflicts();
        run_.note_progress();
    }

    // Files that appear join a pass that is under way: it may last as long as a store that hangs is waited
    // for.
    void work(std::vector<Task*> tasks) {
        std::set<SegmentId> taken;
        for (const Task* task : tasks) taken.insert(task->file.id());
        std::vector<Agenda> joined;  // own their tasks; outlive the pass
        Pass pass(run_.parts());
        pass.begin();
        pass.add(tasks);
        while (!run_.stop().stop_requested() && !pass.idle()) {
            SpoolWatch::Seen seen = watch_.wait(busy_tick, run_.stop());
            std::erase_if(seen.names, [&](const auto& name) { return !taken.insert(name).second; });
            if (seen.names.empty()) continue;
            joined.push_back(run_.look_at(seen.names));
            const std::vector<Task*> more = run_.due(joined.back());
            pass.add(more);
            tasks.insert(tasks.end(), more.begin(), more.end());
        }
        pass.finish();
        run_.note_troubled(tasks);
    }

    void rest(const Agenda& agenda) {
        run_.judge_conflicts();
        run_.learn_of_the_archive();
        const bool all_done = !run_.unfinished(agenda);
        const auto now = steady_clock::now();
        if (all_done && run_.all_stores_usable()) {
            run_.outcome().forgive();
            forgiven_ = now;
        } else if (now - forgiven_ >= said_again) {
            run_.outcome().say_again();
            forgiven_ = now;
        }
        run_.rest();
        watch_.wait(std::min(longest_rest, all_done ? longest_rest : run_.until_due()), run_.stop());
        run_.revive();
    }

    DrainRun& run_;
    SpoolWatch watch_;
    int troubles_ = 0;
    steady_clock::time_point forgiven_ = steady_clock::now();
};

}  // namespace

void follow(DrainRun& run) {
    Follower(run).follow();
}

}  // namespace walferry::drain
