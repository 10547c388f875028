#include "report/status.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "common/error.hpp"
#include "common/spool/spool_lock.hpp"
#include "common/spool/spool_scan.hpp"
#include "common/wal/segment_id.hpp"

namespace walferry::report {
namespace {

void note_comparisons(Ledger& ledger, Status& status) {
    bool all = true;
    for (const StoreRow& store : ledger.active_stores()) {
        const auto since = ledger.comparison(store.id, wall_now()).seen_since;
        all = all && since;
        if (since) status.seen_since = std::min(status.seen_since.value_or(*since), *since);
        const LostUploads lost = ledger.lost(store.id);
        if (lost.count > 0) status.lost_by_stores.emplace_back(store.identity.name, lost);
    }
    if (!all) status.seen_since.reset();
}

void split_backups(std::vector<BackupCopyRow> all, Status& status) {
    for (BackupCopyRow& copy : all) {
        auto& list =
            copy.system_identifier == status.system_identifier ? status.backups : status.earlier_backups;
        list.push_back(std::move(copy));
    }
    std::stable_sort(
        status.earlier_backups.begin(), status.earlier_backups.end(),
        [](const BackupCopyRow& a, const BackupCopyRow& b) { return a.stopped_at > b.stopped_at; });
}

/// The present cluster's counts begin at zero; an identifier begins with the time at which its cluster was
/// created.
void note_stores(Ledger& ledger, Status& status) {
    status.stores = ledger.store_summaries(status.system_identifier);
    if (!status.system_identifier) return;
    auto clusters = ledger.clusters();
    std::sort(clusters.begin(), clusters.end(), std::greater<>());
    for (const std::uint64_t cluster : clusters) {
        if (cluster != status.system_identifier)
            status.earlier.push_back({cluster, ledger.store_summaries(cluster)});
    }
}

void note_recovery_points(Ledger& ledger, const SpoolPaths& spool, const SpoolScan& scan, Status& status) {
    if (!status.system_identifier) return;
    for (const StoreRow& store : ledger.active_stores()) {
        if (auto point = recovery_point(ledger, *status.system_identifier, store.id))
            status.recovery_points.emplace(store.identity.name, std::move(*point));
    }
    status.on_disk = recovery_point_in_spool(ledger, *status.system_identifier, spool, scan);
}

}  // namespace

Status collect_status(const Settings& settings, std::optional<std::uint64_t> system_identifier) {
    const SpoolPaths spool(settings.spool);
    Status status;
    status.system_identifier = system_identifier;
    status.cluster = settings.cluster;
    status.spool = spool.root;

    // Rows first: a segment that is pushed in between must not look lost.
    std::vector<SegmentRow> rows;
    std::unique_ptr<Ledger> ledger;
    try {
        ledger = std::make_unique<Ledger>(spool, Ledger::Open::existing);
        rows = ledger->spooled();
        if (!status.system_identifier) status.system_identifier = ledger->present_cluster();
    } catch (const LedgerFormatError& error) {
        status.ledger_error = error.what();
        status.ledger_migrates = true;
    } catch (const Error& error) {
        status.ledger_error = error.what();
    }
    const SpoolScan scan = scan_spool(spool);
    status.problems = scan.problems;
    status.segments = scan.files.size();
    const WallTime now = wall_now();
    std::set<SegmentId> present;
    for (const SpoolFile& file : scan.files) {
        status.bytes += file.size;
        if (status.system_identifier && file.system_identifier != status.system_identifier)
            ++status.earlier_segments;
        present.insert(file.id());
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - file.modified).count();
        status.oldest_age_seconds = std::max<std::int64_t>(status.oldest_age_seconds.value_or(0), age);
    }
    if (status.ledger_error) return status;
    try {
        for (const SegmentRow& row : rows) {
            if (!present.contains({row.system_identifier, row.name}) &&
                !present.contains({row.system_identifier, row.name + "-" + row.fingerprint}) &&
                !ledger->verified_everywhere(row.id)) {
                status.lost.push_back(row.name);
            }
        }
        note_stores(*ledger, status);
        note_comparisons(*ledger, status);
        status.conflicts = ledger->conflicts(false).size();
        split_backups(ledger->last_restorable_backups(), status);
        if (status.system_identifier) status.archive = ledger->sights(*status.system_identifier);
        note_recovery_points(*ledger, spool, scan, status);
        status.last_run = ledger->last_run();
        const auto holder = find_lock_holder(spool);
        status.at_work =
            holder && status.last_run && !status.last_run->finished_at && status.last_run->pid == holder->pid;
    } catch (const Error& error) {
        status.ledger_error = error.what();
    }
    return status;
}

}  // namespace walferry::report
