#include "uploader/drain/questions.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "common/error.hpp"
#include "common/store/object_store.hpp"
#include "uploader/drain/spool_watch.hpp"

namespace walferry::drain {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A round is left alone for a while, and then ended when a file appears in the spool, or in any case.
constexpr milliseconds undisturbed{2'000}, longest_question{8'000};
// S3 requests end soon after they are asked to.
constexpr milliseconds time_to_end{1'500};
constexpr milliseconds tick{50};
constexpr milliseconds time_for_a_trial{2'000};

/// Something that a thread does which may never come back: it owns all that it touches.
class Errand {
  public:
    void finish(std::exception_ptr failure) {
        const std::lock_guard lock(mutex_);
        failure_ = std::move(failure);
        done_ = true;
        changed_.notify_all();
    }
    bool wait(milliseconds patience) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [this] { return done_; });
    }
    std::exception_ptr failure() const {
        const std::lock_guard lock(mutex_);
        return failure_;
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool done_ = false;
    std::exception_ptr failure_;
};

template <typename Work>
void in_background(Errand& errand, const Work& work) {
    std::exception_ptr failure;
    try {
        work();
    } catch (...) {
        failure = std::current_exception();
    }
    errand.finish(std::move(failure));
}

}  // namespace

struct Questions::Round : Errand {
    Settings settings = {};
    std::string spool = {};
    std::stop_source stop;
    std::mutex mutex;
    std::vector<std::pair<int, std::string>> said;  // for the run's own outcome

    /// In the order in which it came, once.
    void tell(console::Outcome& outcome) {
        const std::lock_guard lock(mutex);
        for (const auto& [code, line] : said) outcome.report(code, line);
        said.clear();
    }
};

struct Questions::Trial : Errand {
    StoreSettings store;
    std::stop_source stop;
};

Questions::Questions(const Settings& settings, const SpoolPaths& spool, console::Outcome& outcome,
                     std::stop_token stop)
    : settings_(settings), spool_(spool), outcome_(outcome), stop_(std::move(stop)) {}

Questions::~Questions() {
    for (const auto& round : left_behind_) round->stop.request_stop();
    for (const auto& [name, trial] : trials_) trial->stop.request_stop();
}

/// What was left behind and has ended since.
void Questions::reap() {
    std::erase_if(left_behind_, [&](const auto& round) {
        if (!round->wait(milliseconds(0))) return false;
        round->tell(outcome_);
        return true;
    });
    std::erase_if(trials_, [](const auto& trial) { return trial.second->wait(milliseconds(0)); });
}

bool Questions::answers(const StoreSettings& store) {
    if (trials_.contains(store.name)) return false;
    const auto trial = std::make_shared<Trial>();
    trial->store = store;
    std::thread([trial] {
        in_background(*trial, [&] {
            const auto connection =
                open_store(trial->store, StoreAccess::write, nullptr, trial->stop.get_token());
            (void)connection->list(trial->store.prefix.empty() ? "" : trial->store.prefix + "/", "");
        });
    }).detach();
    if (trial->wait(time_for_a_trial)) return !trial->failure();
    trial->stop.request_stop();
    trials_.emplace(store.name, trial);
    return false;
}

bool Questions::wait_for(const Round& round) const {
    SpoolWatch watch(spool_);
    const auto began = steady_clock::now();
    for (bool over = false; !over;) {
        if (round.wait(tick)) return true;
        const auto passed = steady_clock::now() - began;
        const bool disturbed = passed >= undisturbed && watch.trouble().empty() &&
                               !watch.wait(milliseconds(0), stop_).names.empty();
        over = disturbed || passed >= longest_question || stop_.stop_requested();
    }
    round.stop.request_stop();
    return round.wait(time_to_end);
}

bool Questions::ask(std::vector<StoreSettings> stores, Ask ask) {
    if (stores.empty()) return false;
    reap();
    if (!left_behind_.empty())
        std::erase_if(stores, [&](const StoreSettings& store) { return !answers(store); });
    if (stores.empty()) return true;
    const auto round = std::make_shared<Round>();
    round->settings = settings_;
    round->settings.stores = std::move(stores);
    round->spool = spool_.root;
    std::thread([round, ask = std::move(ask)] {
        in_background(*round, [&] {
            Ledger ledger(SpoolPaths(round->spool), Ledger::Open::existing);
            const Report report = [&](int exit_code, const std::string& line) {
                const std::lock_guard lock(round->mutex);
                round->said.emplace_back(exit_code, line);
            };
            ask(round->settings, ledger, report, round->stop.get_token());
        });
    }).detach();
    if (!wait_for(*round)) {
        left_behind_.push_back(round);
        return true;
    }
    round->tell(outcome_);
    if (const auto failure = round->failure()) std::rethrow_exception(failure);
    return true;
}

}  // namespace walferry::drain
