#include "uploader/backup/wal_reach.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>

#include "common/error.hpp"
#include "common/lsn.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal_name.hpp"
#include "uploader/backup/server_facts.hpp"
#include "uploader/drain/drain.hpp"
#include "uploader/exit_code.hpp"

namespace walferry {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using Missing = std::map<std::string, std::uint64_t>;

// Nothing new for so long: whoever should bring it does not.
constexpr seconds patience{60};

/// Where there is no ledger: what a listing shows was put, by whoever archives this cluster.
std::uint64_t missing_in_listing(const WalWait& wait, const StoreSettings& settings) {
    const auto store = open_store(settings, StoreAccess::write, nullptr, wait.stop);
    const ObjectKeys keys(settings.prefix, wait.settings.cluster, wait.system_identifier);
    const std::string directory = keys.wal_directory(wait.extent.first_segment);
    std::set<std::string> seen;
    std::string after = directory + wait.extent.first_segment;
    for (bool more = true; more;) {
        const ObjectPage page = store->list(directory, after);
        for (const ObjectInfo& info : page.objects) {
            after = info.key;
            const auto name = ObjectName::parse(std::string_view(info.key).substr(directory.size()));
            if (!name || WalName::parse(name->segment)->kind != WalKind::segment) continue;
            if (name->segment > wait.extent.last_segment) return wait.extent.segments - seen.size();
            seen.insert(name->segment);
        }
        more = page.more && !page.objects.empty();
    }
    return wait.extent.segments - seen.size();
}

Missing look(const WalWait& wait) {
    Missing missing;
    if (wait.record.exists()) {
        for (const auto& [store, row] : wait.record.copies()) {
            const bool asked = std::count(wait.stores.begin(), wait.stores.end(), store) > 0;
            if (asked) missing[store] = static_cast<std::uint64_t>(row.missing_segments);
        }
        return missing;
    }
    for (const StoreSettings& settings : wait.settings.stores) {
        if (std::count(wait.stores.begin(), wait.stores.end(), settings.name) == 0) continue;
        try {
            missing[settings.name] = missing_in_listing(wait, settings);
        } catch (const Error& error) {
            wait.outcome.report(exit_code::incomplete, error.what());
        }
    }
    return missing;
}

bool nothing_missing(const Missing& missing) {
    return std::all_of(missing.begin(), missing.end(), [](const auto& each) { return each.second == 0; });
}

/// Of the drain's own words only what went wrong is of interest here.
void drain_once(const WalWait& wait) {
    try {
        DrainOptions options;
        Drain(wait.settings, options, wait.outcome, wait.stop).run([&](Drain::Viewer viewer) {
            wait.progress.watch(std::move(viewer));
        });
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::locked) return;  // another one is at it
        wait.outcome.report(traits(error.kind()).exit_code, error.what());
    }
}

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

/// Changes as long as anybody gets on.
std::string movement(const std::optional<ArchiverState>& archiver, const Missing& missing) {
    std::string text = archiver ? archiver->archived_count : "";
    for (const auto& [store, count] : missing) text += " " + std::to_string(count);
    return text;
}

void report_failing_archiver(const WalWait& wait, const std::optional<ArchiverState>& before,
                             const std::optional<ArchiverState>& now) {
    if (!before || !now || before->failed_count == now->failed_count) return;
    wait.outcome.report(
        exit_code::incomplete,
        "the server's archive_command fails (the last time with " + now->last_failed +
            "): the backup's WAL cannot reach the stores before that is mended; its reason is "
            "in the server's log");
}

}  // namespace

std::map<std::string, std::uint64_t> await_wal(const WalWait& wait) {
    const auto archiver_before = ask_archiver(wait);
    auto archiver = archiver_before;
    auto patient_until = steady_clock::now() + patience;
    std::string moved;
    for (;;) {
        Missing missing = look(wait);
        if (wait.drain && wait.record.exists() && !nothing_missing(missing)) {
            drain_once(wait);
            missing = look(wait);
        }
        archiver = ask_archiver(wait);
        if (const std::string now = movement(archiver, missing); now != moved) {
            moved = now;
            patient_until = steady_clock::now() + patience;
        }
        const bool waits_for_somebody = wait.drain && (wait.server != nullptr || !wait.record.exists());
        if (nothing_missing(missing) || !waits_for_somebody || steady_clock::now() >= patient_until ||
            !pause(wait, wait.record.exists() ? std::chrono::milliseconds(500) : seconds(2))) {
            report_failing_archiver(wait, archiver_before, archiver);
            return missing;
        }
    }
}

}  // namespace walferry
