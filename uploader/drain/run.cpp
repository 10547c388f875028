#include "uploader/drain/run.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "archive/archive_sight.hpp"
#include "archive/conflict_judge.hpp"
#include "archive/listed_range.hpp"
#include "common/error.hpp"
#include "common/os/durable_file.hpp"
#include "common/spool/spooled_name.hpp"
#include "common/store/stores.hpp"
#include "console/exit_code.hpp"
#include "server/primary_timeline.hpp"
#include "transfer/encode_options.hpp"
#include "uploader/drain/next_attempt.hpp"

namespace walferry::drain {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What is asked beside the work. A store that needs longer is asked by a later run.
constexpr milliseconds longest_connect{3'000};
constexpr milliseconds longest_silence{5'000};

// Encodings in flight: what design allows a worker, less what a worker needs besides.
transfer::MemoryBudget::Limits memory_limits(int jobs) {
    const auto n = static_cast<std::uint64_t>(jobs);
    return {(n * 48 + 16) << 20, static_cast<std::size_t>(n * 6 + 4)};
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

std::unique_ptr<Ledger> open_ledger(const SpoolPaths& spool, console::Outcome& outcome) {
    if (!exists(spool.ready())) {
        throw Error(ErrorKind::no_spool, "no spool at " + spool.root,
                    "check `spool` in the configuration; `walferry init` makes a spool");
    }
    // Made where missing, or where whoever began to make it did not get to the end: nobody else does so now,
    // the drain holds the lock.
    auto ledger = std::make_unique<Ledger>(spool, Ledger::Open::create);
    if (ledger->is_new()) {
        outcome.report(console::exit_code::done,
                       "there was no ledger at " + spool.ledger() +
                           ": a new one was made, and what is spooled is adopted; "
                           "`walferry rebuild` also brings back what the stores hold");
    }
    return ledger;
}

}  // namespace

DrainRun::DrainRun(const Settings& settings, const DrainOptions& options, console::Outcome& outcome,
                   std::stop_token stop)
    : settings_(settings),
      options_(options),
      outcome_(outcome),
      stop_(std::move(stop)),
      spool_(settings.spool),
      deadline_(steady_clock::now() + options.wait),
      lock_(spool_, options.wait, stop_),
      ledger_(open_ledger(spool_, outcome)),
      encoding_(transfer::encode_options(settings)),
      memory_(memory_limits(settings.jobs)),
      questions_(settings, spool_, outcome, stop_) {
    complete_removals();
    const auto rows = reconcile_stores(settings, *ledger_, wall_now());
    const bool goes_on = options.follow || options.wait.count() > 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        store_ids_.push_back(rows[i].id);
        lanes_.push_back(std::make_unique<Lane>(
            LaneContext{spool_, settings.cluster, *ledger_, outcome_, memory_, stop_, goes_on}, i,
            settings.stores[i], rows[i].id));
    }
    run_id_ = ledger_->begin_run(::getpid(), wall_now());
}

// A store that is known to be away is asked nothing, and no other for long: what waits in the spool comes
// first.
std::vector<StoreSettings> DrainRun::askable() const {
    std::vector<StoreSettings> asked;
    for (const auto& lane : lanes_) {
        if (!lane->usable()) continue;
        StoreSettings store = lane->settings();
        store.attempts = std::min(store.attempts, 2);
        store.connect_timeout = std::min(store.connect_timeout, longest_connect);
        store.silence_timeout = std::min(store.silence_timeout, longest_silence);
        asked.push_back(std::move(store));
    }
    return asked;
}

void DrainRun::judge_conflicts() {
    const auto rows = ledger_->conflicts_to_judge();
    if (!judging_.is_due(rows, steady_clock::now())) return;
    const bool asked = questions_.ask(askable(), [](const Settings& settings, Ledger& ledger,
                                                    const Questions::Report& report,
                                                    const std::stop_token& stop) {
        archive::judge_conflicts(settings, ledger,
                                 {report,
                                  [&](std::uint64_t sysid) {
                                      return server::primary_timeline(settings.server_conninfo, sysid, stop);
                                  },
                                  stop});
    });
    if (asked) judging_.asked(rows, steady_clock::now());
}

void DrainRun::learn_of_the_archive() {
    if (steady_clock::now() < learn_again_) return;
    const bool asked = questions_.ask(askable(), [](const Settings& settings, Ledger& ledger,
                                                    const Questions::Report&, const std::stop_token& stop) {
        archive::learn_of_backup_wal(settings, ledger, stop);
        const auto cluster = ledger.present_cluster();
        if (!cluster || stop.stop_requested()) return;
        const auto sights = ledger.sights(*cluster);
        const auto old = format_time(wall_now() - std::chrono::minutes(5));
        const auto fresh = [&](const StoreSettings& store) {
            return std::any_of(sights.begin(), sights.end(), [&](const ArchiveSight& sight) {
                return sight.store == store.name && sight.seen_at > old;
            });
        };
        if (!std::all_of(settings.stores.begin(), settings.stores.end(), fresh))
            archive::note_archive(settings, ledger, *cluster, stop);
    });
    if (asked) learn_again_ = steady_clock::now() + std::chrono::minutes(1);
}

void DrainRun::remove_leftovers() {
    try {
        remove_stale_tmp(os::open_directory(spool_.tmp()));
    } catch (const Error& error) {
        outcome_.report(console::exit_code::failed, error.what());
    }
}

Agenda DrainRun::look() {
    // In this order: see make_agenda().
    const auto rows = ledger_->spooled();
    const auto uploads = ledger_->open_uploads();
    Agenda agenda = make_agenda(rows, uploads, scan_spool(spool_), store_ids_);
    for (const std::string& problem : agenda.problems) outcome_.report(console::exit_code::failed, problem);
    report_lost(agenda);
    if (options_.follow) forget_departed(agenda);
    return agenda;
}

Agenda DrainRun::look_at(const std::vector<SegmentId>& names) {
    std::vector<SegmentRow> rows;
    std::vector<UploadRow> uploads;
    SpoolScan scan;
    std::set<SegmentId> asked;
    for (const auto& [sysid, entry] : std::set<SegmentId>(names.begin(), names.end())) {
        const auto spooled = SpooledName::parse(entry);
        if (spooled && asked.insert({sysid, spooled->name.text}).second) {
            for (SegmentRow& row : ledger_->rows_of(sysid, spooled->name.text)) {
                if (row.removed_at) continue;
                for (UploadRow& upload : ledger_->uploads_of(row.id)) uploads.push_back(std::move(upload));
                rows.push_back(std::move(row));
            }
        }
        scan_spool_file(spool_, sysid, entry, scan);
    }
    Agenda agenda = make_agenda(rows, uploads, scan, store_ids_);
    for (const std::string& problem : agenda.problems) outcome_.report(console::exit_code::failed, problem);
    return agenda;
}

std::vector<Task*> DrainRun::due(const Agenda& agenda) {
    std::vector<Task*> tasks;
    for (const auto& task : agenda.tasks) {
        if (takes_on(*task)) tasks.push_back(task.get());
    }
    const std::lock_guard lock(view_mutex_);
    segments_total_ = outcome_.removed_segments + tasks.size();
    bytes_total_ = outcome_.removed_bytes;
    for (const Task* task : tasks) bytes_total_ += task->file.size;
    return tasks;
}

Pass::Parts DrainRun::parts() {
    return {settings_, spool_, *ledger_, outcome_, memory_, encoding_, lanes_, stop_};
}

void DrainRun::note_troubled(const std::vector<Task*>& tasks) {
    for (const Task* task : tasks) {
        if (task->troubled) troubled_.insert(task->file.id());
    }
}

bool DrainRun::selected(const Lane& lane) const {
    const auto& only = options_.only_stores;
    return only.empty() || std::find(only.begin(), only.end(), lane.settings().name) != only.end();
}

// Marks what this pass leaves alone; false when nothing of the task is left to do now.
bool DrainRun::takes_on(Task& task) {
    const SegmentId name = task.file.id();
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

// A run that follows for months must not remember every segment that it ever saw.
void DrainRun::forget_departed(const Agenda& agenda) {
    std::set<SegmentId> present;
    for (const auto& task : agenda.tasks) present.insert(task->file.id());
    for (std::set<SegmentId>* names : {&chosen_, &checked_, &troubled_})
        std::erase_if(*names, [&](const SegmentId& name) { return !present.contains(name); });
}

bool DrainRun::may_be_spooled(const SegmentRow& row) const {
    const SpooledName second{*WalName::parse(row.name), row.fingerprint};
    return exists(spool_.segment(row.system_identifier, row.name)) ||
           exists(spool_.segment(row.system_identifier, second.text()));
}

// Removals that were cut off before their record. Before a new store is added, of which they know nothing.
void DrainRun::complete_removals() {
    for (const SegmentRow& row : ledger_->spooled()) {
        if (may_be_spooled(row)) continue;
        if (ledger_->verified_everywhere(row.id)) ledger_->removed(row.id, wall_now());
    }
}

// Never taken for success: said in every run, until the segment was pushed again.
void DrainRun::report_lost(const Agenda& agenda) {
    std::set<SegmentId> seen;
    for (const auto& task : agenda.tasks) seen.insert(task->file.id());
    for (const SegmentRow& row : agenda.without_file) {
        // Pushed once more since then; what has the name in the agenda is another content.
        if (!seen.contains({row.system_identifier, row.name}) && may_be_spooled(row)) continue;
        const std::string path = spool_.segment(row.system_identifier, row.name);
        if (ledger_->verified_everywhere(row.id)) continue;
        for (const auto& lane : lanes_) {
            ledger_->mark_lost(row.id, lane->store_id(), "its file has vanished from the spool");
        }
        outcome_.report(console::exit_code::integrity,
                        path +
                            " has vanished from the spool before it was verified in every store; "
                            "`walferry list --state pending` shows where it is missing. If the server "
                            "still has it in pg_wal, push it again");
    }
}

bool DrainRun::unfinished(const Agenda& agenda) const {
    return std::any_of(agenda.tasks.begin(), agenda.tasks.end(), [&](const auto& task) {
        return chosen_.contains(task->file.id()) &&
               std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) {
                   return selected(*lane) && task->needs[lane->index()] != Need::nothing;
               });
    });
}

// A second at least, so that trouble which leaves no record does not make us spin.
milliseconds DrainRun::until_due() {
    const WallTime now = wall_now();
    milliseconds shortest = longest_backoff;
    const auto uploads = ledger_->open_uploads();
    for (const auto& lane : lanes_) {
        if (const auto left = lane->until_retry()) {
            shortest = std::min(shortest, *left);
            continue;
        }
        for (const UploadRow& upload : uploads) {
            if (upload.store != lane->store_id() || !lane->failed(upload.segment)) continue;
            shortest = std::min(shortest, attempt_due(upload.next_attempt_at, now)
                                              ? milliseconds(0)
                                              : *parse_time(*upload.next_attempt_at) - now);
        }
    }
    if (!troubled_.empty()) shortest = std::min(shortest, milliseconds(std::chrono::minutes(1)));
    return std::max<milliseconds>(shortest, std::chrono::seconds(1));
}

void DrainRun::revive() {
    const WallTime now = wall_now();
    const auto uploads = ledger_->open_uploads();
    for (const auto& lane : lanes_) {
        if (lane->until_retry().value_or(milliseconds(0)).count() > 0) continue;
        std::set<std::int64_t> not_due;
        for (const UploadRow& upload : uploads) {
            if (upload.store == lane->store_id() && !attempt_due(upload.next_attempt_at, now))
                not_due.insert(upload.segment);
        }
        lane->revive(not_due);
    }
    troubled_.clear();
    checked_.clear();
}

bool DrainRun::all_stores_usable() const {
    return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->usable(); });
}

void DrainRun::rest() {
    memory_.pool().trim(0);
}

void DrainRun::note_progress() {
    ledger_->note_run(run_id_, static_cast<std::int64_t>(outcome_.verified_uploads),
                      static_cast<std::int64_t>(outcome_.removed_segments));
}

std::size_t DrainRun::count_pending() {
    std::size_t pending = 0;
    const Agenda agenda =
        make_agenda(ledger_->spooled(), ledger_->open_uploads(), scan_spool(spool_), store_ids_);
    for (const auto& task : agenda.tasks) {
        if (!options_.follow && !chosen_.contains(task->file.id())) continue;
        pending += std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) {
            return selected(*lane) && task->needs[lane->index()] != Need::nothing;
        });
    }
    return pending;
}

DrainResult DrainRun::conclude() {
    const auto attempt = [this](auto step) {
        try {
            step();
        } catch (const Error& error) {
            outcome_.report(traits(error.kind()).exit_code, error.what());
        }
    };
    DrainResult result;
    attempt([&] { judge_conflicts(); });
    attempt([&] { learn_of_the_archive(); });
    attempt([&] {
        result.pending_segments = count_pending();
        if (result.pending_segments == 0) outcome_.complete();
    });
    if (stop_.stop_requested() && !options_.follow) {
        outcome_.report(console::exit_code::incomplete,
                        "stopped on request; what is pending stays in the spool for the next run");
    } else if (result.pending_segments > 0) {
        outcome_.raise(console::exit_code::incomplete);
    }
    for (const auto& lane : lanes_) {
        const Lane::View view = lane->view();
        if (!view.last_error.empty() && outcome_.exit_code() != console::exit_code::done)
            result.store_errors.emplace_back(lane->settings().name, view.last_error);
    }
    result.verified_uploads = outcome_.verified_uploads;
    result.removed_segments = outcome_.removed_segments;
    result.removed_bytes = outcome_.removed_bytes;
    result.adopted_segments = outcome_.adopted_segments;
    attempt([&] {
        ledger_->end_run(run_id_, outcome_.exit_code(), static_cast<std::int64_t>(result.verified_uploads),
                         static_cast<std::int64_t>(result.removed_segments), outcome_.first_problem(),
                         wall_now());
    });
    result.exit_code = outcome_.exit_code();
    result.elapsed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_);
    return result;
}

DrainView DrainRun::view() {
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

}  // namespace walferry::drain
