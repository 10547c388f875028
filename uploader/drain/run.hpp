#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/spool/spool_lock.hpp"
#include "common/wal/segment_id.hpp"
#include "console/outcome.hpp"
#include "transfer/memory_budget.hpp"
#include "uploader/drain/agenda.hpp"
#include "uploader/drain/drain.hpp"
#include "uploader/drain/judging_pace.hpp"
#include "uploader/drain/lane.hpp"
#include "uploader/drain/pass.hpp"
#include "uploader/drain/questions.hpp"

namespace walferry::drain {

/// What a drain has in its hands from the lock to the summary, whether it ends or follows. Throws, on
/// construction, when it cannot begin.
class DrainRun {
  public:
    DrainRun(const Settings& settings, const DrainOptions& options, console::Outcome& outcome,
             std::stop_token stop);

    /// Everything in the spool, with what is wrong there reported.
    Agenda look();
    /// The same for a few files that have appeared.
    Agenda look_at(const std::vector<SegmentId>& names);
    /// The tasks of an agenda of which something can be done now; marks what has to wait.
    std::vector<Task*> due(const Agenda& agenda);
    Pass::Parts parts();
    /// After a pass: what was in trouble is left alone until a retry is due.
    void note_troubled(const std::vector<Task*>& tasks);

    /// Whether anything that this run takes on is unfinished, whatever the reason.
    bool unfinished(const Agenda& agenda) const;
    /// How long until a store or an upload that failed is due again.
    std::chrono::milliseconds until_due();
    /// Lets what is due again be tried again.
    void revive();
    bool all_stores_usable() const;

    /// What several contents of one name are, as far as it can be told by now; not again and again within a
    /// minute, and an hour where nothing is open. Stores that were given up on are not asked, and the others
    /// not for long.
    void judge_conflicts();
    /// What other hosts have archived: of the WAL that this host's backups need, and in all. Not again and
    /// again; as above.
    void learn_of_the_archive();
    void remove_leftovers();
    /// Whatever is kept between passes and not needed while nothing happens.
    void rest();
    void note_progress();
    DrainResult conclude();
    DrainView view();

    const SpoolPaths& spool() const noexcept { return spool_; }
    console::Outcome& outcome() noexcept { return outcome_; }
    const std::stop_token& stop() const noexcept { return stop_; }
    std::chrono::steady_clock::time_point deadline() const noexcept { return deadline_; }

  private:
    std::vector<StoreSettings> askable() const;
    bool selected(const Lane& lane) const;
    bool takes_on(Task& task);
    void forget_departed(const Agenda& agenda);
    bool may_be_spooled(const SegmentRow& row) const;
    void complete_removals();
    void report_lost(const Agenda& agenda);
    std::size_t count_pending();

    const Settings& settings_;
    const DrainOptions& options_;
    console::Outcome& outcome_;
    const std::stop_token stop_;
    const SpoolPaths spool_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const std::chrono::steady_clock::time_point deadline_;
    SpoolLock lock_;
    std::unique_ptr<Ledger> ledger_;
    const EncodeOptions encoding_;
    transfer::MemoryBudget memory_;
    Questions questions_;
    std::vector<std::int64_t> store_ids_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::int64_t run_id_ = 0;
    std::set<SegmentId> chosen_;    // what --limit lets this run take on
    std::set<SegmentId> checked_;   // complete or unknown ones this run has looked at
    std::set<SegmentId> troubled_;  // could not be read, encoded or removed: left alone until a retry is due
    JudgingPace judging_;
    std::chrono::steady_clock::time_point learn_again_{};
    std::mutex view_mutex_;
    std::size_t segments_total_ = 0;
    std::uint64_t bytes_total_ = 0;
};

}  // namespace walferry::drain
