#include <fstream>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger.hpp"
#include "uploader/check/catalogue.hpp"
#include "uploader/check/look.hpp"
#include "uploader/drain/spool_lock.hpp"
#include "uploader/drain/stores.hpp"
#include "uploader/status.hpp"

namespace walferry {
namespace {

using std::chrono::seconds;

constexpr seconds old_backup = std::chrono::hours(24 * 8);

seconds age_of(const std::optional<std::string>& time) {
    const auto parsed = time ? parse_time(*time) : std::nullopt;
    return parsed ? std::chrono::duration_cast<seconds>(wall_now() - *parsed) : seconds(0);
}

void judge_contents(const Status& status, Findings& findings) {
    if (status.conflicts > 0) {
        findings.contradiction(finding_id::conflicts,
                               counted(status.conflicts, "unsettled conflict", "unsettled conflicts"));
    } else {
        findings.pass(finding_id::conflicts, "no conflict is unsettled");
    }
    if (!status.lost.empty()) {
        findings.contradiction(finding_id::lost_segments,
                               counted(status.lost.size(), "segment has", "segments have") +
                                   " left the spool without being verified everywhere, such as " +
                                   status.lost.front());
    }
}

void judge_backlog(const Status& status, const Settings& settings, Findings& findings) {
    if (status.segments == 0) {
        findings.pass(finding_id::backlog, "nothing waits in the spool");
        return;
    }
    const seconds age(status.oldest_age_seconds.value_or(0));
    std::string text = counted(status.segments, "segment waits", "segments wait") + " (" +
                       format_bytes(status.bytes) + "), the oldest for " + format_duration(age);
    for (const StoreSummary& store : status.stores) {
        if (store.pending > 0 && store.last_error) text += "; " + store.name + ": " + *store.last_error;
    }
    if (age > settings.recovery_point) {
        findings.fail(finding_id::backlog,
                      text + "; the configuration's recovery_point is " +
                          format_duration(std::chrono::duration_cast<seconds>(settings.recovery_point)));
    } else {
        findings.pass(finding_id::backlog, text);
    }
}

void judge_runs(const Status& status, const Settings& settings, Findings& findings) {
    if (status.at_work) {
        findings.pass(finding_id::drain,
                      "a drain is at work, process " + std::to_string(status.last_run->pid));
        return;
    }
    if (!status.last_run) {
        if (status.segments > 0) {
            findings.fail(finding_id::drain, "no drain has ever run here, and something waits");
        } else {
            findings.warn(finding_id::drain, "no drain has run here yet");
        }
        return;
    }
    const RunRow& run = *status.last_run;
    const seconds age = age_of(run.finished_at ? *run.finished_at : run.started_at);
    const std::string text =
        "the last drain " + std::string(run.finished_at ? "ended " : "was killed, it began ") +
        format_duration(age) + " ago" +
        (run.exit_code ? " with exit code " + std::to_string(*run.exit_code) : std::string());
    const bool waits_long = seconds(status.oldest_age_seconds.value_or(0)) > settings.recovery_point;
    if (status.segments > 0 && age > settings.recovery_point && waits_long) {
        findings.fail(finding_id::drain, text + ", and something waits");
    } else if (run.exit_code.value_or(0) != 0) {
        findings.warn(finding_id::drain, text + (run.message.empty() ? "" : ": " + run.message),
                      "walferry drain, and see what it says");
    } else {
        findings.pass(finding_id::drain, text);
    }
}

void judge_lock(const SpoolPaths& spool, Findings& findings) {
    const auto holder = find_lock_holder(spool);
    if (!holder) return;
    std::ifstream file("/proc/" + std::to_string(holder->pid) + "/comm");
    std::string name;
    std::getline(file, name);
    if (!name.empty() && name != "walferry")
        findings.fail(finding_id::spool_lock,
                      name + ", process " + std::to_string(holder->pid) + ", holds the spool's lock",
                      "end it: kill " + std::to_string(holder->pid));
}

void judge_stores(Ledger& ledger, const Settings& settings, Findings& findings) {
    try {
        require_same_stores(settings, ledger.active_stores());
    } catch (const Error& error) {
        findings.fail(finding_id::stores_changed, error.message(), error.hint());
    }
}

void judge_backups(const Status& status, const Settings& settings, Findings& findings) {
    for (const StoreSettings& store : settings.stores) {
        const BackupCopyRow* newest = nullptr;
        for (const BackupCopyRow& copy : status.backups) {
            if (copy.store == store.name) newest = &copy;
        }
        if (newest == nullptr) {
            findings.warn(finding_id::backups,
                          "store " + store.name + " has no base backup that could be restored");
            continue;
        }
        const seconds age = age_of(newest->stopped_at);
        const std::string text =
            "store " + store.name + ": the newest base backup is " + format_duration(age) + " old";
        if (age > old_backup) {
            findings.warn(finding_id::backups, text);
        } else {
            findings.pass(finding_id::backups, text);
        }
    }
}

}  // namespace

void look_at_ledger(const CheckContext& context, Findings& findings, Facts&) {
    if (context.users.uploader) become(*context.users.uploader);
    const Settings& settings = context.settings;
    const SpoolPaths spool(settings.spool);
    const Status status = collect_status(settings);
    judge_lock(spool, findings);
    if (status.ledger_error) {
        findings.fail(finding_id::ledger, *status.ledger_error);
        judge_backlog(status, settings, findings);
        return;
    }
    Ledger ledger(spool, Ledger::Open::existing);
    findings.pass(finding_id::ledger, "the ledger can be used");
    judge_stores(ledger, settings, findings);
    judge_contents(status, findings);
    judge_backlog(status, settings, findings);
    judge_runs(status, settings, findings);
    judge_backups(status, settings, findings);
}

}  // namespace walferry
