#include <algorithm>

#include "common/error.hpp"
#include "common/sleep.hpp"
#include "common/wal/lsn.hpp"
#include "console/exit_code.hpp"
#include "uploader/backup/backup_run.hpp"
#include "uploader/backup/leftovers.hpp"
#include "uploader/backup/wal_reach.hpp"

// How a backup ends, well or not, and what earlier ones have left behind.
namespace walferry::backup {
namespace {

constexpr std::chrono::seconds tidying_limit{60};

std::string seconds_text(std::chrono::milliseconds time) {
    return format_duration(std::chrono::duration_cast<std::chrono::seconds>(time));
}

}  // namespace

void BackupRun::sweep_leftovers(const StoreSettings& store, const std::vector<AbandonedBackup>& left) {
    try {
        const auto opened = open_store(store, StoreAccess::write, nullptr, stop_.get_token());
        for (const AbandonedBackup& backup : left) {
            const auto id = BackupId::parse(backup.name);
            if (!id) continue;
            const SweptBackup swept = sweep_backup(*opened, keys(store, backup.system_identifier), *id,
                                                   backup.label_key, stop_.get_token());
            if (swept.label_key) {
                record_.found_whole(backup, *swept.label_key);
                say("backup " + backup.name + " is whole in store " + store.name +
                    ", although its run did not get to say so");
            } else {
                record_.removed(backup);
                if (swept.removed > 0) {
                    say("removed " + counted(swept.removed, "piece", "pieces") + " of backup " + backup.name +
                        (backup.complete_elsewhere
                             ? ", which is complete elsewhere and for which this store was given up"
                             : ", which was interrupted") +
                        ", from store " + store.name);
                }
            }
        }
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::interrupted) return;
        if (error.kind() == ErrorKind::denied) {
            say("store " + store.name + ": " +
                counted(left.size(), "incomplete backup has", "incomplete backups have") +
                " left pieces there, and these keys may not delete (" + error.message() +
                "): they stay until the bucket's own rules or other keys remove them");
            return;
        }
        say("store " + store.name +
            ": what an incomplete backup has left there stays for now: " + error.what());
    } catch (const std::exception& error) {
        say("store " + store.name + ": " + error.what());
    }
}

// Without a label there is no backup, whatever happens here; the next run tries again where there is a
// ledger.
void BackupRun::abandon() noexcept {
    try {
        if (sender_) sender_->cancel();
        sender_.reset();
        const bool asked = asked_.stop_requested();
        pipeline_.reset();
        std::vector<std::jthread> threads;
        for (const auto& copy : copies_) {
            copy->give_up(Error(ErrorKind::interrupted, "the backup has failed"));
            // Asked to stop, it stops: what is left behind is the next run's.
            if (!asked) threads.emplace_back([this, &copy] { remove_own_pieces(*copy); });
        }
    } catch (...) {
        return;
    }
}

void BackupRun::remove_own_pieces(StoreCopy& copy) {
    copy.settle();
    const auto reason = copy.reason();
    if (reason && reason->kind() != ErrorKind::interrupted) return;  // it does not answer
    std::stop_source limit;
    const std::stop_callback asked(asked_, [&limit] { limit.request_stop(); });
    std::jthread clock([&limit](const std::stop_token& ended) {
        sleep_unless_stopped(ended, tidying_limit);
        limit.request_stop();
    });
    try {
        const auto store = open_store(copy.settings(), StoreAccess::write, nullptr, limit.get_token());
        // Not recorded as removed: a request that was cut off may still store its object, so the next run
        // looks.
        (void)sweep_backup(*store, keys(copy.settings(), origin_.system_identifier), origin_.id, "",
                           limit.get_token());
    } catch (const std::exception& error) {
        say("store " + copy.settings().name + ": pieces of this backup are left there: " + error.what());
    }
}

void BackupRun::await_wal() {
    std::vector<std::string> stores;
    for (const auto& copy : copies_) {
        if (copy->usable()) stores.push_back(copy->settings().name);
    }
    sweepers_.clear();  // waits for them
    std::map<std::string, std::uint64_t> missing;
    try {
        missing = backup::await_wal({settings_, record_, origin_.system_identifier, extent_, stores,
                                     facts_.archives() ? server_.get() : nullptr,
                                     facts_.in_recovery && !facts_.archives(), options_.drain, outcome_,
                                     progress_, asked_});
    } catch (const Error& error) {
        outcome_.report(console::exit_code::incomplete, error.what());
    }
    const auto recorded = record_.copies();
    for (const auto& copy : copies_) {
        BackupResult::Store store;
        store.name = copy->settings().name;
        store.complete = copy->usable();
        if (const auto reason = copy->reason()) store.error = reason->what();
        if (const auto found = missing.find(store.name); found != missing.end())
            store.missing_wal = found->second;
        const auto row = recorded.find(store.name);
        store.restorable =
            store.complete && label_.missing.empty() &&
            (record_.exists() ? row != recorded.end() && row->second.restorable : store.missing_wal == 0);
        if (store.complete && !store.restorable && label_.missing.empty()) {
            outcome_.report(
                console::exit_code::incomplete,
                "store " + store.name +
                    ": the backup is there, but it cannot be restored from it alone yet: " +
                    (store.missing_wal
                         ? counted(*store.missing_wal, "WAL segment", "WAL segments") + " from " +
                               extent_.first_segment + " to " + extent_.last_segment + " not verified there" +
                               (facts_.in_recovery
                                    ? "; once the primary has archived it (`select pg_switch_wal()` "
                                      "there ends its segment), `walferry status` counts this backup"
                                    : "")
                         : std::string("whether its WAL is there is not known")));
        }
        result_.stores.push_back(std::move(store));
    }
}

BackupResult BackupRun::conclude() {
    result_.exit_code = outcome_.exit_code();
    result_.id = origin_.id.text;
    result_.system_identifier = origin_.system_identifier;
    result_.start_lsn = format_lsn(label_.start_lsn);
    result_.stop_lsn = format_lsn(label_.stop_lsn);
    result_.started_at = label_.started_at;
    result_.stopped_at = label_.stopped_at;
    result_.timeline = label_.timeline;
    result_.first_segment = extent_.first_segment;
    result_.last_segment = extent_.last_segment;
    result_.size = label_.size();
    result_.object_size = label_.object_size();
    result_.config_files = label_.config_files;
    result_.missing = label_.missing;
    result_.elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
    record_.end(result_.exit_code);
    return std::move(result_);
}

std::string BackupRun::progress_line(std::chrono::milliseconds elapsed) const {
    const std::uint64_t received = received_;
    if (received == 0) {
        return "waiting for the server's checkpoint, " + seconds_text(elapsed) +
               (options_.fast_checkpoint ? "" : " (--checkpoint fast does not wait)");
    }
    const double seconds = static_cast<double>(elapsed.count()) / 1000;
    const double rate = static_cast<double>(received) / std::max(seconds, 0.001);
    const std::uint64_t expected = std::max<std::uint64_t>(expected_, received);
    std::string line = format_bytes(received) + " of " + format_bytes(expected) + ", " +
                       format_bytes(static_cast<std::uint64_t>(rate)) + "/s, " +
                       format_duration(std::chrono::seconds(
                           static_cast<long long>(static_cast<double>(expected - received) / rate) + 1)) +
                       " left";
    for (const auto& copy : copies_) {
        line +=
            " | " + copy->settings().name + " " +
            (copy->usable() ? format_bytes(copy->verified_bytes()) + " verified" : std::string("GIVEN UP"));
    }
    return line;
}

BackupResult make_backup(const Settings& settings, const BackupOptions& options, console::Outcome& outcome,
                         drain::Progress& progress, const std::stop_token& stop) {
    return BackupRun(settings, options, outcome, progress, stop).run();
}

}  // namespace walferry::backup
