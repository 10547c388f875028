#include "uploader/drain/drain.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>

#include "common/codec/signing.hpp"
#include "common/durable_file.hpp"
#include "common/error.hpp"
#include "uploader/drain/agenda.hpp"
#include "uploader/drain/next_attempt.hpp"
#include "uploader/drain/pass.hpp"
#include "uploader/drain/spool_lock.hpp"
#include "uploader/drain/stores.hpp"
#include "uploader/exit_code.hpp"

namespace walferry {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Encodings in flight: what design allows a worker, less what a worker needs besides.
Window::Limits window_limits(int jobs) {
    const auto n = static_cast<std::uint64_t>(jobs);
    return {(n * 48 + 16) << 20, static_cast<std::size_t>(n * 6 + 4)};
}

EncodeOptions encode_options(const Settings& settings) {
    EncodeOptions options;
    options.level = settings.compression_level;
    for (const std::string& recipient : settings.recipients)
        options.recipients.push_back(AgeRecipient::parse(recipient));
    if (!settings.signing_key_file.empty()) {
        options.writer = std::make_shared<const WriterKey>(WriterKey::load(settings.signing_key_file));
    }
    return options;
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

std::unique_ptr<Ledger> open_ledger(const SpoolPaths& spool, Outcome& outcome) {
    if (!exists(spool.ready())) {
        throw Error(ErrorKind::no_spool, "no spool at " + spool.root,
                    "check `spool` in the configuration; `walferry init` makes a spool");
    }
    // Made where missing, or where whoever began to make it did not get to the end: nobody else does so now,
    // the drain holds the lock.
    auto ledger = std::make_unique<Ledger>(spool, Ledger::Open::create);
    if (ledger->is_new()) {
        outcome.report(exit_code::done, "there was no ledger at " + spool.ledger() +
                                            ": a new one was made, and what is spooled is adopted; "
                                            "`walferry rebuild` also brings back what the stores hold");
    }
    return ledger;
}

/// One run, from the lock to the summary.
class Run {
  public:
    Run(const Settings& settings, const DrainOptions& options, Outcome& outcome, std::stop_token stop)
        : settings_(settings),
          options_(options),
          outcome_(outcome),
          stop_(std::move(stop)),
          spool_(settings.spool),
          deadline_(steady_clock::now() + options.wait),
          lock_(spool_, options.wait, stop_),
          ledger_(open_ledger(spool_, outcome)),
          encoding_(encode_options(settings)),
          window_(window_limits(settings.jobs)) {
        complete_removals();
        const auto rows = reconcile_stores(settings, *ledger_, wall_now());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            store_ids_.push_back(rows[i].id);
            lanes_.push_back(std::make_unique<Lane>(
                LaneContext{spool_, settings.cluster, *ledger_, outcome_, window_, stop_}, i,
                settings.stores[i], rows[i].id));
        }
        run_id_ = ledger_->begin_run(::getpid(), wall_now());
    }

    DrainResult run(const Drain::Watch& watch) {
        const auto started = steady_clock::now();
        {
            const Drain::Watched watched(watch, [this] { return view(); });
            attempt([this] {
                remove_leftovers();
                while (pass() && !stop_.stop_requested()) {
                }
            });
        }
        DrainResult result;
        attempt([&] { result.pending_segments = count_pending(); });
        conclude(result);
        result.elapsed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started);
        return result;
    }

  private:
    using Name = std::pair<std::uint64_t, std::string>;
    static Name name_of(const Task& task) { return {task.file.system_identifier, task.file.name.text}; }

    /// Whatever ends a step early, what was found out until then still counts.
    template <typename Step>
    void attempt(Step step) {
        try {
            step();
        } catch (const Error& error) {
            outcome_.report(traits(error.kind()).exit_code, error.what());
        }
    }

    void remove_leftovers() {
        try {
            remove_stale_tmp(os::open_directory(spool_.tmp()));
        } catch (const Error& error) {
            outcome_.report(exit_code::failed, error.what());
        }
    }

    // True when another pass has something to do.
    bool pass() {
        const auto rows = ledger_->spooled();
        const auto uploads = ledger_->open_uploads();
        Agenda agenda = make_agenda(rows, uploads, scan_spool(spool_), store_ids_);
        for (const std::string& problem : agenda.problems) outcome_.report(exit_code::failed, problem);
        report_lost(agenda);
        std::vector<Task*> due;
        for (const auto& task : agenda.tasks) {
            if (takes_on(*task)) due.push_back(task.get());
        }
        {
            const std::lock_guard lock(view_mutex_);
            segments_total_ = outcome_.removed_segments + due.size();
            bytes_total_ = outcome_.removed_bytes;
            for (const Task* task : due) bytes_total_ += task->file.size;
        }
        if (due.empty()) return wait_for_retry(agenda);
        Pass(Pass::Parts{settings_, spool_, *ledger_, outcome_, window_, pool_, encoding_, lanes_, stop_},
             due)
            .run();
        for (const Task* task : due) {
            if (task->troubled) troubled_.insert(name_of(*task));
        }
        return true;
    }

    bool selected(const Lane& lane) const {
        const auto& only = options_.only_stores;
        return only.empty() || std::find(only.begin(), only.end(), lane.settings().name) != only.end();
    }

    // Marks what this pass leaves alone; false when nothing of the task is left to do now.
    bool takes_on(Task& task) {
        const Name name = name_of(task);
        if (troubled_.contains(name)) return false;
        if (!chosen_.contains(name)) {
            if (options_.limit && chosen_.size() >= *options_.limit) return false;
            chosen_.insert(name);
        }
        bool sends = false;
        bool complete = true;
        for (const auto& lane : lanes_) {
            Need& need = task.needs[lane->index()];
            if (need == Need::nothing) continue;
            complete = false;
            if (!selected(*lane) || !lane->usable() || lane->failed(task.segment)) {
                need = Need::waiting;
            } else {
                sends = true;
            }
        }
        // A complete one is only checked and removed. Once a run: it may be one that cannot be removed.
        if (complete) return checked_.insert(name).second;
        // An unknown file is told to the ledger even when no store can be reached.
        if (task.segment == 0) return checked_.insert(name).second || sends;
        return sends;
    }

    // Removals that were cut off before their record. Before a new store is added, of which they know
    // nothing.
    void complete_removals() {
        for (const SegmentRow& row : ledger_->spooled()) {
            if (exists(spool_.segment(row.system_identifier, row.name))) continue;
            if (ledger_->verified_everywhere(row.id)) ledger_->removed(row.id, wall_now());
        }
    }

    // Never taken for success: said in every run, until the segment was pushed again.
    void report_lost(const Agenda& agenda) {
        for (const SegmentRow& row : agenda.without_file) {
            const std::string path = spool_.segment(row.system_identifier, row.name);
            if (exists(path) || ledger_->verified_everywhere(row.id)) continue;
            for (const auto& lane : lanes_) {
                ledger_->mark_lost(row.id, lane->store_id(), "its file has vanished from the spool");
            }
            outcome_.report(exit_code::integrity,
                            path +
                                " has vanished from the spool before it was verified in every store; "
                                "`walferry list --state pending` shows where it is missing. If the server "
                                "still has it in pg_wal, push it again");
        }
    }

    // Nothing can be done now. With time left (--wait), until something is due again.
    bool wait_for_retry(const Agenda& agenda) {
        const bool open = std::any_of(agenda.tasks.begin(), agenda.tasks.end(), [&](const auto& task) {
            return chosen_.contains(name_of(*task)) &&
                   std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) {
                       return selected(*lane) && task->needs[lane->index()] != Need::nothing;
                   });
        });
        const auto now = steady_clock::now();
        if (!open || now >= deadline_) return false;
        std::mutex mutex;
        std::unique_lock lock(mutex);
        const auto pause = std::min<steady_clock::duration>(until_next_attempt(), deadline_ - now);
        std::condition_variable_any().wait_for(lock, stop_, pause, [] { return false; });
        for (const auto& lane : lanes_) lane->revive();
        troubled_.clear();
        return !stop_.stop_requested();
    }

    // A second at least, so that trouble which leaves no record does not make us spin.
    milliseconds until_next_attempt() {
        const WallTime now = wall_now();
        milliseconds shortest = longest_backoff;
        for (const UploadRow& upload : ledger_->open_uploads()) {
            if (upload.state == UploadState::verified) continue;
            const auto ahead = attempt_due(upload.next_attempt_at, now)
                                   ? milliseconds(0)
                                   : *parse_time(*upload.next_attempt_at) - now;
            shortest = std::min(shortest, ahead);
        }
        return std::max<milliseconds>(shortest, std::chrono::seconds(1));
    }

    std::size_t count_pending() {
        std::size_t pending = 0;
        const Agenda agenda =
            make_agenda(ledger_->spooled(), ledger_->open_uploads(), scan_spool(spool_), store_ids_);
        for (const auto& task : agenda.tasks) {
            if (!chosen_.contains(name_of(*task))) continue;
            pending += std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) {
                return selected(*lane) && task->needs[lane->index()] != Need::nothing;
            });
        }
        return pending;
    }

    void conclude(DrainResult& result) {
        if (stop_.stop_requested()) {
            outcome_.report(exit_code::incomplete,
                            "stopped on request; what is pending stays in the spool for the next run");
        } else if (result.pending_segments > 0) {
            outcome_.raise(exit_code::incomplete);
        }
        for (const auto& lane : lanes_) {
            const Lane::View view = lane->view();
            if (!view.last_error.empty())
                result.store_errors.emplace_back(lane->settings().name, view.last_error);
        }
        result.verified_uploads = outcome_.verified_uploads;
        result.removed_segments = outcome_.removed_segments;
        result.removed_bytes = outcome_.removed_bytes;
        result.adopted_segments = outcome_.adopted_segments;
        attempt([&] {
            ledger_->end_run(
                run_id_, outcome_.exit_code(), static_cast<std::int64_t>(result.verified_uploads),
                static_cast<std::int64_t>(result.removed_segments), outcome_.first_problem(), wall_now());
        });
        result.exit_code = outcome_.exit_code();
    }

    DrainView view() {
        DrainView view{};
        {
            const std::lock_guard lock(view_mutex_);
            view.segments_total = segments_total_;
            view.bytes_total = bytes_total_;
        }
        view.segments_removed = outcome_.removed_segments;
        view.bytes_removed = outcome_.removed_bytes;
        for (const auto& lane : lanes_) view.stores.push_back({lane->settings().name, lane->view()});
        return view;
    }

    const Settings& settings_;
    const DrainOptions& options_;
    Outcome& outcome_;
    const std::stop_token stop_;
    const SpoolPaths spool_;
    const steady_clock::time_point deadline_;
    SpoolLock lock_;
    std::unique_ptr<Ledger> ledger_;
    const EncodeOptions encoding_;
    BlockPool pool_;
    Window window_;
    std::vector<std::int64_t> store_ids_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::int64_t run_id_ = 0;
    std::set<Name> chosen_;    // what --limit lets this run take on
    std::set<Name> checked_;   // complete or unknown ones this run has looked at
    std::set<Name> troubled_;  // could not be read, encoded or removed: left alone until a retry is due
    std::mutex view_mutex_;
    std::size_t segments_total_ = 0;
    std::uint64_t bytes_total_ = 0;
};

}  // namespace

Drain::Drain(const Settings& settings, DrainOptions options, Outcome& outcome, std::stop_token stop)
    : settings_(settings), options_(std::move(options)), outcome_(outcome), stop_(std::move(stop)) {}

DrainResult Drain::run(const Watch& watch) {
    for (const std::string& name : options_.only_stores) {
        const auto& stores = settings_.stores;
        if (std::none_of(stores.begin(), stores.end(),
                         [&](const StoreSettings& store) { return store.name == name; })) {
            throw Error(ErrorKind::usage,
                        "--store " + name + ": there is no such store in " + settings_.file);
        }
    }
    return Run(settings_, options_, outcome_, stop_).run(watch);
}

}  // namespace walferry
