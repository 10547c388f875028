#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_store.hpp"
#include "common/store/read_back.hpp"
#include "console/outcome.hpp"
#include "transfer/memory_budget.hpp"
#include "uploader/drain/task.hpp"

namespace walferry::drain {

/// What all lanes share.
struct LaneContext {
    const SpoolPaths& spool;
    const std::string& cluster;
    Ledger& ledger;
    console::Outcome& outcome;
    transfer::MemoryBudget& memory;
    std::stop_token stop;
    bool goes_on = false;  // the run tries again what failed, and does not leave it to the next one
};

/// The way into one store, independent of every other: a queue of encodings and the threads that put each
/// one, read it back, confirm it by a listing, and record it as verified. Whoever records the last missing
/// store of a segment removes its file from the spool.
class Lane {
  public:
    struct View {
        std::size_t queued, verified;
        bool down;
        std::string last_error;
    };

    Lane(LaneContext context, std::size_t index, const StoreSettings& settings, std::int64_t store_id);

    /// A pass: begin, offer() or skip() as many tasks as it was told to expect, end.
    void begin_pass(int senders);
    void expect(std::size_t tasks);
    void offer(Encoding encoding);
    void skip();
    /// Waits for what was offered; after a request to stop, only for what is under way.
    void end_pass();
    /// Nothing is under way or expected.
    bool idle() const;

    /// False once the store was given up on for this pass.
    bool usable() const;
    /// Has nothing to send while more is to come.
    bool starving() const;
    /// Leaves the newest waiting encoding to a later pass. False when none waits.
    bool drop_newest();
    /// How long a store that was given up on is left alone; nullopt for one that is usable.
    std::optional<std::chrono::milliseconds> until_retry() const;
    /// A new try: for everything after the store was given up on, else for the segments that failed and are
    /// not in `not_due`.
    void revive(const std::set<std::int64_t>& not_due);
    /// Failed in this run: not to be tried again before revive().
    bool failed(std::int64_t segment) const;

    View view() const;
    const StoreSettings& settings() const noexcept { return settings_; }
    std::int64_t store_id() const noexcept { return store_id_; }
    std::size_t index() const noexcept { return index_; }

  private:
    struct Sent {
        Task* task;
        VerifiedObject object;
    };

    void run_sender(std::size_t sender);
    ObjectStore& connection(std::size_t sender);
    void send(ObjectStore& store, const Encoding& encoding);
    std::optional<VerifiedObject> find_own(ObjectStore& store, const Encoding& encoding);
    bool could_be_encoding_of(const Task& task, const ObjectName& fresh,
                              const VerifiedObject& recorded) const;
    bool nothing_under_way() const;
    void succeeded();
    bool confirmation_due(std::chrono::steady_clock::time_point now) const;
    void confirm(ObjectStore& store, std::vector<Sent> batch);
    void failed_attempt(Task& task, const Error& error, bool counts = true);
    void give_up(const std::string& reason);
    ObjectKeys keys(const Task& task) const;

    const LaneContext context_;
    const std::size_t index_;
    const StoreSettings settings_;
    const std::int64_t store_id_;
    std::shared_ptr<Breaker> breaker_;

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Encoding> queue_;
    std::size_t to_come_ = 0;
    std::size_t sending_ = 0;
    std::vector<Sent> unconfirmed_;
    std::chrono::steady_clock::time_point oldest_unconfirmed_{};
    bool confirming_ = false;
    bool open_ = false;  // more may be expected
    bool down_ = false;
    int given_up_in_a_row_ = 0;
    std::chrono::steady_clock::time_point retry_at_{};
    std::size_t verified_ = 0;
    int failures_in_a_row_ = 0;
    std::string last_error_;
    std::set<std::int64_t> failed_;
    std::vector<std::unique_ptr<ObjectStore>> connections_;
    std::vector<std::jthread> senders_;
};

}  // namespace walferry::drain
