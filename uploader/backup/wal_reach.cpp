#include "uploader/backup/wal_reach.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "archive/listed_range.hpp"
#include "common/error.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/lsn.hpp"
#include "common/wal/wal_name.hpp"
#include "console/exit_code.hpp"
#include "uploader/backup/server_facts.hpp"
#include "uploader/drain/drain.hpp"

namespace walferry::backup {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using Missing = std::map<std::string, std::uint64_t>;

// Nothing that is missing has come for so long: what should bring it does not work.
constexpr seconds patience{60};
// A standby's primary ends its segment in its own time, as `archive_timeout` says.
constexpr seconds patience_with_a_primary{300};
// However slowly it comes: the backup is made, and a later drain brings the rest.
constexpr seconds longest_wait{3600};
constexpr std::chrono::milliseconds first_pause{500};
constexpr std::chrono::milliseconds longest_pause{15000};

std::vector<ListedObject> listed_in(const WalWait& wait, const StoreSettings& settings) {
    const auto store = open_store(settings, StoreAccess::write, nullptr, wait.stop);
    const ObjectKeys keys(settings.prefix, wait.settings.cluster, wait.system_identifier);
    return archive::list_range(*store, keys, wait.system_identifier, wait.extent.first_segment,
                               wait.extent.last_segment);
}

/// Where there is no ledger: what a listing shows was put by the host that archives this cluster.
std::uint64_t missing_in_listing(const WalWait& wait, const StoreSettings& settings) {
    std::set<std::string> seen;
    for (const ListedObject& object : listed_in(wait, settings)) seen.insert(object.name.text);
    return wait.extent.segments - seen.size();
}

const StoreSettings* asked_store(const WalWait& wait, const std::string& name) {
    if (std::count(wait.stores.begin(), wait.stores.end(), name) == 0) return nullptr;
    const auto& stores = wait.settings.stores;
    const auto found = std::find_if(stores.begin(), stores.end(),
                                    [&](const StoreSettings& store) { return store.name == name; });
    return found == stores.end() ? nullptr : &*found;
}

/// Stores that could not be asked, by name: an answer that comes later is as good.
using Unasked = std::map<std::string, Error>;

/// Another host archives what this host's server does not: a standby's primary.
void learn_from_listings(const WalWait& wait, Unasked& unasked) {
    for (const auto& [name, row] : wait.record.copies()) {
        const StoreSettings* settings = asked_store(wait, name);
        if (settings == nullptr || row.missing_segments == 0) continue;
        unasked.erase(name);
        try {
            for (const ListedObject& object : listed_in(wait, *settings)) wait.record.archived(name, object);
        } catch (const Error& error) {
            unasked.emplace(name, error);
        }
    }
}

Missing look(const WalWait& wait, Unasked& unasked) {
    Missing missing;
    if (wait.record.exists()) {
        if (wait.primary_archives) learn_from_listings(wait, unasked);
        for (const auto& [store, row] : wait.record.copies()) {
            const bool asked = std::count(wait.stores.begin(), wait.stores.end(), store) > 0;
            if (asked) missing[store] = static_cast<std::uint64_t>(row.missing_segments);
        }
        return missing;
    }
    for (const StoreSettings& settings : wait.settings.stores) {
        if (std::count(wait.stores.begin(), wait.stores.end(), settings.name) == 0) continue;
        unasked.erase(settings.name);
        try {
            missing[settings.name] = missing_in_listing(wait, settings);
        } catch (const Error& error) {
            unasked.emplace(settings.name, error);
        }
    }
    return missing;
}

bool nothing_missing(const Missing& missing) {
    return std::all_of(missing.begin(), missing.end(), [](const auto& each) { return each.second == 0; });
}

/// One line for each kind of trouble, however many segments and attempts meet it.
class DrainTrouble {
  public:
    explicit DrainTrouble(const WalWait& wait)
        : wait_(wait), outcome_([this](const std::string& line) { say(line); }) {}

    /// Not past the deadline.
    void drain_once(steady_clock::time_point deadline) {
        std::stop_source stop;
        const std::stop_callback asked(wait_.stop, [&stop] { stop.request_stop(); });
        std::jthread clock([&](const std::stop_token& ended) {
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable_any().wait_until(lock, ended, deadline, [] { return false; });
            stop.request_stop();
        });
        try {
            drain::Drain(wait_.settings, drain::DrainOptions(), outcome_, stop.get_token())
                .run([&](drain::Drain::Viewer viewer) { wait_.progress.watch(std::move(viewer)); });
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::locked) return;  // another one is at it
            outcome_.report(traits(error.kind()).exit_code, error.what());
        }
    }

    /// What waiting has cured is no trouble any more, a contradiction is.
    void conclude(bool all_there) const {
        const int code = outcome_.exit_code();
        if (!all_there || code == console::exit_code::integrity) wait_.outcome.raise(code);
    }

  private:
    void say(const std::string& line) {
        if (said_.insert(event_of(line)).second) wait_.outcome.report(console::exit_code::done, line);
    }

    const WalWait& wait_;
    console::Outcome outcome_;
    std::set<std::string> said_;
};

std::optional<ArchiverState> ask_archiver(const WalWait& wait) {
    if (wait.server == nullptr) return std::nullopt;
    try {
        return archiver_state(*wait.server);
    } catch (const Error&) {
        return std::nullopt;  // what is in the stores decides, not this
    }
}

bool pause(const WalWait& wait, std::chrono::milliseconds time) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait_for(lock, wait.stop, time, [] { return false; });
    return !wait.stop.stop_requested();
}

void report_failing_archiver(const WalWait& wait, const std::optional<ArchiverState>& before,
                             const std::optional<ArchiverState>& now) {
    if (!before || !now || before->failed_count == now->failed_count) return;
    wait.outcome.report(
        console::exit_code::incomplete,
        "the server's archive_command fails (the last time with " + now->last_failed +
            "): the backup's WAL cannot reach the stores before that is corrected; its reason is "
            "in the server's log");
}

/// Only where it matters: a listing that failed once and came later is no trouble.
void report_unasked(const WalWait& wait, const Unasked& unasked, const Missing& missing) {
    for (const auto& [store, error] : unasked) {
        const auto count = missing.find(store);
        if (count == missing.end() || count->second > 0)
            wait.outcome.report(console::exit_code::incomplete, error.what());
    }
}

}  // namespace

// A segment's name, an object's key or a number says which one it was this time; a store's name stays.
std::string event_of(const std::string& line) {
    std::istringstream words(line);
    std::string event;
    std::string before;
    for (std::string word; words >> word; before = word) {
        const bool numbered = word.find_first_of("0123456789") != std::string::npos;
        event += (before != "store" && numbered ? "#" : word) + " ";
    }
    return event;
}

bool WalProgress::note(const std::map<std::string, std::uint64_t>& missing,
                       const std::string& last_archived) {
    bool progress = false;
    for (const auto& [store, count] : missing) {
        const auto [known, fresh] = fewest_.emplace(store, count);
        if (!fresh && count < known->second) progress = true;
        known->second = std::min(known->second, count);
    }
    // Behind the backup's last segment the archiver may go on for ever.
    const std::string archived = std::min(last_archived, last_segment_);
    if (archived.substr(0, 8) == last_segment_.substr(0, 8) && archived > archived_) {
        progress = progress || !archived_.empty();
        archived_ = archived;
    }
    return progress;
}

std::map<std::string, std::uint64_t> await_wal(const WalWait& wait) {
    const auto archiver_before = ask_archiver(wait);
    auto archiver = archiver_before;
    const auto deadline = steady_clock::now() + longest_wait;
    const seconds patient_for = wait.primary_archives ? patience_with_a_primary : patience;
    auto patient_until = steady_clock::now() + patient_for;
    auto delay = first_pause;
    WalProgress progress(wait.extent.last_segment);
    DrainTrouble drain(wait);
    Unasked unasked;
    for (;;) {
        Missing missing = look(wait, unasked);
        if (wait.drain && wait.record.exists() && !nothing_missing(missing)) {
            drain.drain_once(deadline);
            missing = look(wait, unasked);
        }
        archiver = ask_archiver(wait);
        delay = std::min(2 * delay, longest_pause);
        if (progress.note(missing, archiver ? archiver->last_archived : "")) {
            patient_until = steady_clock::now() + patient_for;
            delay = first_pause;
        }
        const bool others_may_bring_it =
            wait.drain && (wait.server != nullptr || wait.primary_archives || !wait.record.exists());
        const auto now = steady_clock::now();
        const bool all_there = nothing_missing(missing) && (unasked.empty() || !wait.primary_archives);
        if (all_there || !others_may_bring_it || now >= std::min(patient_until, deadline) ||
            !pause(wait, delay)) {
            drain.conclude(nothing_missing(missing));
            report_failing_archiver(wait, archiver_before, archiver);
            report_unasked(wait, unasked, missing);
            return missing;
        }
    }
}

}  // namespace walferry::backup
