#include <unistd.h>
#include <algorithm>

#include <fstream>
#include <stop_token>
#include <thread>

#include "archive/archive_sight.hpp"
#include "archive/conflict_judge.hpp"
#include "archive/listed_range.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/sleep.hpp"
#include "common/spool/spool_lock.hpp"
#include "common/store/stores.hpp"
#include "console/catalogue.hpp"
#include "host/check/clusters.hpp"
#include "host/check/look.hpp"
#include "host/check/remedies.hpp"
#include "host/check/timelines_in_use.hpp"
#include "report/status.hpp"

namespace walferry::check {
namespace {

using std::chrono::seconds;

constexpr seconds old_backup = std::chrono::hours(24 * 8);

seconds age_of(const std::optional<std::string>& time) {
    const auto parsed = time ? parse_time(*time) : std::nullopt;
    return parsed ? std::chrono::duration_cast<seconds>(wall_now() - *parsed) : seconds(0);
}

/// Takes away what no recovery can meet, because it begins behind that; returns how many gaps there were.
std::size_t take_those_before_backups(Ledger& ledger, const report::Status& status, std::vector<Gap>& gaps) {
    if (!status.system_identifier || gaps.empty()) return 0;
    const std::string first = ledger.first_backup_position(*status.system_identifier);
    return std::erase_if(gaps, [&](const Gap& gap) { return gap.before.substr(8) <= first; });
}

/// Takes away what a person knows of, in any store: what another store lacks there its listing tells.
std::size_t take_known_ones(Ledger& ledger, std::vector<Gap>& gaps) {
    return std::erase_if(gaps, [&](const Gap& gap) {
        const std::uint64_t size = ledger.known_segment_size(gap.system_identifier);
        const auto after = WalName::parse(gap.after);
        const auto before = WalName::parse(gap.before);
        if (size == 0 || !after || !before) return false;
        const std::string first =
            WalName::segment_at(after->timeline, *after->start_lsn(size) + size, size).text;
        const std::string last =
            WalName::segment_at(after->timeline, *before->start_lsn(size) - size, size).text;
        return known_gap(ledger.known_gaps(gap.system_identifier), "", first, last).has_value();
    });
}

/// Of the cluster that archives here: what an earlier one lacks, no server can archive any more. pg_upgrade
/// leaves gaps behind, because it throws WAL away, and so does a time without archiving.
void judge_gaps(Ledger& ledger, const report::Status& status, console::Findings& findings) {
    std::vector<Gap> gaps = ledger.gaps(status.system_identifier);
    const std::size_t earlier = ledger.gaps().size() - gaps.size();
    const std::size_t before = take_those_before_backups(ledger, status, gaps);
    const std::size_t known = take_known_ones(ledger, gaps);
    if (gaps.empty()) {
        std::string text = "no segment is missing between those that the ledger knows";
        if (earlier + before > 0) text += " of this cluster since its first base backup";
        if (before > 0) text += "; " + counted(before, "gap lies", "gaps lie") + " before that";
        if (known > 0)
            text += "; " + counted(known, "gap is", "gaps are") + " acknowledged, see `walferry gaps`";
        if (earlier > 0)
            text += "; " + counted(earlier, "gap is", "gaps are") + " in the archives of earlier clusters";
        findings.pass(console::finding_id::gaps, text);
        return;
    }
    const Gap& last = gaps.back();
    findings.contradiction(
        console::finding_id::gaps,
        counted(static_cast<std::uint64_t>(last.missing), "segment is", "segments are") +
            " missing between " + last.after + " and " + last.before +
            (gaps.size() > 1 ? "; " + counted(gaps.size(), "gap", "gaps") + " in all" : ""));
}

void judge_contents(const report::Status& status, console::Findings& findings) {
    if (status.conflicts > 0) {
        findings.contradiction(console::finding_id::conflicts,
                               counted(status.conflicts, "unsettled conflict", "unsettled conflicts"));
    } else {
        findings.pass(console::finding_id::conflicts, "no conflict is unsettled");
    }
    if (!status.lost.empty()) {
        findings.contradiction(console::finding_id::lost_segments,
                               counted(status.lost.size(), "segment has", "segments have") +
                                   " left the spool without being verified everywhere, such as " +
                                   status.lost.front());
    }
}

/// Of the present cluster or an earlier one.
bool waits_for(const report::Status& status, const StoreSummary& store) {
    return store.pending > 0 ||
           std::any_of(status.earlier.begin(), status.earlier.end(),
                       [&](const report::EarlierCluster& cluster) {
                           return std::any_of(cluster.stores.begin(), cluster.stores.end(),
                                              [&](const StoreSummary& other) {
                                                  return other.name == store.name && other.pending > 0;
                                              });
                       });
}

void judge_backlog(const CheckContext& context, const report::Status& status, console::Findings& findings) {
    const Settings& settings = context.settings;
    if (status.segments == 0) {
        findings.pass(console::finding_id::backlog, "nothing waits in the spool");
        return;
    }
    const seconds age(status.oldest_age_seconds.value_or(0));
    std::string text = counted(status.segments, "segment waits", "segments wait") + " (" +
                       format_bytes(status.bytes) + "), the oldest for " + format_duration(age);
    if (status.earlier_segments > 0)
        text += "; " + std::to_string(status.earlier_segments) + " of them of an earlier cluster";
    for (const StoreSummary& store : status.stores) {
        if (store.last_error && waits_for(status, store))
            text += "; " + store.name + ": " + *store.last_error;
    }
    if (age > settings.rpo) {
        findings.fail(console::finding_id::backlog,
                      text + "; the configuration's rpo is " +
                          format_duration(std::chrono::duration_cast<seconds>(settings.rpo)),
                      how_to_see_a_drain(context));
    } else {
        findings.pass(console::finding_id::backlog, text);
    }
}

/// A drain that began and has not ended: whether it still runs is not to be seen in every sandbox.
void judge_open_run(const CheckContext& context, const RunRow& run, bool waits, console::Findings& findings) {
    const std::string began = "a drain began " + format_duration(age_of(run.started_at)) + " ago and ";
    if (::access("/proc/locks", R_OK) != 0) {
        findings.pass(console::finding_id::drain, began + "has not said that it ended");
    } else if (waits) {
        findings.fail(console::finding_id::drain, began + "was killed; something waits",
                      how_to_drain(context));
    } else {
        findings.pass(console::finding_id::drain, began + "was killed; the next one goes on");
    }
}

void judge_runs(const CheckContext& context, const report::Status& status, console::Findings& findings) {
    const Settings& settings = context.settings;
    const bool waits_long =
        status.segments > 0 && seconds(status.oldest_age_seconds.value_or(0)) > settings.rpo;
    if (status.at_work) {
        findings.pass(console::finding_id::drain,
                      "a drain is at work, process " + std::to_string(status.last_run->pid));
        return;
    }
    if (!status.last_run) {
        findings.add(console::finding_id::drain,
                     waits_long ? console::Verdict::failed : console::Verdict::warning,
                     "no drain has ever run here", how_to_drain(context));
        return;
    }
    const RunRow& run = *status.last_run;
    if (!run.finished_at) return judge_open_run(context, run, waits_long, findings);
    const seconds age = age_of(run.finished_at);
    const std::string text = "the last drain ended " + format_duration(age) + " ago with exit code " +
                             std::to_string(run.exit_code.value_or(-1));
    if (waits_long && age > settings.rpo) {
        findings.fail(console::finding_id::drain, text + ", and something waits: is the timer running?",
                      how_to_drain(context));
    } else if (run.exit_code.value_or(0) != 0) {
        findings.warn(console::finding_id::drain, text + (run.message.empty() ? "" : ": " + run.message),
                      how_to_see_a_drain(context));
    } else {
        findings.pass(console::finding_id::drain, text);
    }
}

void judge_lock(const SpoolPaths& spool, console::Findings& findings) {
    const auto holder = find_lock_holder(spool);
    if (!holder) return;
    std::ifstream file("/proc/" + std::to_string(holder->pid) + "/comm");
    std::string name;
    std::getline(file, name);
    if (!name.empty() && name != "walferry")
        findings.fail(console::finding_id::spool_lock,
                      name + ", process " + std::to_string(holder->pid) + ", holds the spool's lock",
                      "end it: `kill " + std::to_string(holder->pid) + "`");
}

void judge_cluster(const CheckContext& context, Ledger& ledger, console::Findings& findings) {
    if (!context.server || !context.server->system_identifier) return;
    const std::uint64_t answers = *context.server->system_identifier;
    if (const auto known = ledger.other_cluster(answers)) {
        report_other_cluster(context, *known, "the ledger knows segments", findings);
    }
}

void judge_stores(Ledger& ledger, const Settings& settings, console::Findings& findings) {
    try {
        require_same_stores(settings, ledger.active_stores());
    } catch (const Error& error) {
        findings.fail(console::finding_id::stores_changed, error.message(), error.hint());
    }
}

/// What initdb or pg_upgrade left behind is no backup of this cluster.
std::string earlier_backup(const report::Status& status, const std::string& store) {
    for (const BackupCopyRow& copy : status.earlier_backups) {
        if (copy.store == store) {
            return "store " + store +
                   " has no base backup of this cluster: the newest that this ledger knows "
                   "there, of " +
                   copy.stopped_at.value_or("?") + ", is that of an earlier system identifier, " +
                   std::to_string(copy.system_identifier);
        }
    }
    return {};
}

std::optional<seconds> age_of_backup(const std::string& id) {
    // 20261124T121314Z-…: when it began.
    const auto began = id.size() < 16 ? std::nullopt
                                      : parse_time(id.substr(0, 4) + "-" + id.substr(4, 2) + "-" +
                                                   id.substr(6, 2) + "T" + id.substr(9, 2) + ":" +
                                                   id.substr(11, 2) + ":" + id.substr(13, 2) + ".000Z");
    if (!began) return std::nullopt;
    return std::chrono::duration_cast<seconds>(wall_now() - *began);
}

/// Of another host of the cluster: its label is there, and what it needs that host has seen to. False where
/// there is none that is newer than this host's.
bool judge_another_hosts_backup(const report::Status& status, const std::string& store, seconds own,
                                console::Findings& findings) {
    for (const ArchiveSight& sight : status.archive) {
        if (sight.store != store || sight.newest_backup.empty() || sight.backup_is_ours) continue;
        const auto age = age_of_backup(sight.newest_backup);
        if (!age || own <= *age) continue;
        const std::string text = "store " + store + ": the newest base backup, " + sight.newest_backup +
                                 ", made by another host or before this ledger, is " + format_duration(*age) +
                                 " old";
        if (*age > old_backup)
            findings.warn(console::finding_id::backups, text);
        else
            findings.pass(console::finding_id::backups,
                          text + "; `walferry backups`, where an identity is, tells how far it leads");
        return true;
    }
    return false;
}

void judge_backups(const CheckContext& context, const report::Status& status, console::Findings& findings) {
    const Settings& settings = context.settings;
    if (context.server && context.server->version < 150000) {
        findings.add(console::finding_id::backups, console::Verdict::skipped,
                     "the server is PostgreSQL " + std::to_string(context.server->version / 10000) +
                         ", and walferry makes base backups of 15 and later; make them with pg_basebackup",
                     {});
        return;
    }
    for (const StoreSettings& store : settings.stores) {
        const BackupCopyRow* newest = nullptr;
        for (const BackupCopyRow& copy : status.backups) {
            if (copy.store == store.name) newest = &copy;
        }
        const seconds own = newest != nullptr ? age_of(newest->stopped_at) : seconds::max();
        if (judge_another_hosts_backup(status, store.name, own, findings)) continue;
        if (newest == nullptr) {
            const std::string earlier = earlier_backup(status, store.name);
            if (!earlier.empty()) {
                findings.fail(console::finding_id::backups, earlier);
                continue;
            }
            findings.warn(
                console::finding_id::backups,
                "store " + store.name +
                    ": this ledger knows of no base backup there that could be restored. It knows "
                    "those that this host made since the ledger was made; `walferry backups`, where "
                    "an identity is, shows what the store has");
            continue;
        }
        const seconds age = age_of(newest->stopped_at);
        const std::string text =
            "store " + store.name + ": the newest base backup is " + format_duration(age) + " old";
        if (age > old_backup) {
            findings.warn(console::finding_id::backups, text);
        } else {
            findings.pass(console::finding_id::backups, text);
        }
    }
}

// A store that hangs is said by its own part; this one must come to its end all the same.
constexpr std::chrono::milliseconds patience_with_a_store{2'000};
constexpr std::chrono::seconds patience_with_the_archive{10};

Settings hurried(Settings settings) {
    for (StoreSettings& store : settings.stores) {
        store.attempts = 1;
        store.connect_timeout = std::min(store.connect_timeout, patience_with_a_store);
        store.silence_timeout = std::min(store.silence_timeout, patience_with_a_store);
    }
    return settings;
}

/// What has changed in the stores since the last drain: histories, settlements, another host's segments.
void look_at_the_archive(const CheckContext& context, const SpoolPaths& spool) {
    try {
        Ledger ledger(spool, Ledger::Open::existing);
        std::stop_source ended;
        const std::jthread clock([&ended](const std::stop_token& stop) {
            sleep_unless_stopped(stop, patience_with_the_archive);
            ended.request_stop();
        });
        const Settings settings = hurried(context.settings);
        archive::judge_conflicts(settings, ledger,
                                 {{},
                                  [&](std::uint64_t sysid) { return timeline_of_primary(context, sysid); },
                                  ended.get_token()});
        archive::learn_of_backup_wal(settings, ledger, ended.get_token());
        const auto asked = context.server ? context.server->system_identifier : std::nullopt;
        // Later ones are seen by the parts that look at the stores, and by drains.
        const auto cluster = asked ? asked : ledger.present_cluster();
        if (cluster && ledger.sights(*cluster).empty())
            archive::note_archive(settings, ledger, *cluster, ended.get_token());
    } catch (const Error&) {
        return;  // said below, and by the parts that look at the stores
    }
}

}  // namespace

void look_at_ledger(const CheckContext& context, console::Findings& findings, Facts&) {
    if (context.users.uploader) server::become(*context.users.uploader);
    const Settings& settings = context.settings;
    const SpoolPaths spool(settings.spool);
    look_at_the_archive(context, spool);
    const report::Status status =
        report::collect_status(settings, context.server ? context.server->system_identifier : std::nullopt);
    judge_lock(spool, findings);
    if (status.ledger_error) {
        if (status.ledger_migrates)
            findings.warn(
                console::finding_id::ledger, *status.ledger_error,
                "nothing, while a drain is at work; it has come to its end when this finding is gone");
        else
            findings.fail(console::finding_id::ledger, *status.ledger_error);
        judge_backlog(context, status, findings);
        return;
    }
    Ledger ledger(spool, Ledger::Open::existing);
    findings.pass(console::finding_id::ledger, "the ledger can be used");
    judge_cluster(context, ledger, findings);
    judge_stores(ledger, settings, findings);
    judge_contents(status, findings);
    judge_gaps(ledger, status, findings);
    judge_backlog(context, status, findings);
    judge_runs(context, status, findings);
    judge_backups(context, status, findings);
}

}  // namespace walferry::check
