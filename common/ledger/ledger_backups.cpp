#include "common/ledger/ledger_backups.hpp"

#include <algorithm>

#include "common/wal/lsn.hpp"
#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;
using sqlite::Synchronous;

BackupCopyRow copy_row(const Statement& s) {
    return {s.text(0),    s.text(1),    s.integer(2),      s.text(3),   s.optional_text(4),
            s.integer(5), s.integer(6), s.integer(7) != 0, s.decimal(8)};
}

AbandonedBackup abandoned_row(const Statement& s) {
    return {s.integer(0),
            s.integer(1),
            s.text(2),
            s.decimal(3),
            s.text(4),
            s.text(5),
            static_cast<std::uint64_t>(s.integer(6)),
            s.integer(7) != 0};
}

BackupRange range_row(const Statement& s) {
    return {s.text(0), s.integer(1), s.decimal(2), s.text(3), s.text(4)};
}

}  // namespace

std::int64_t BackupRecords::begin_backup(std::uint64_t system_identifier, const std::string& name,
                                         std::int64_t pid, std::span<const std::int64_t> stores,
                                         WallTime now) {
    LedgerChange change(connection_, Synchronous::full);
    change.run(sql::backup_begin, std::to_string(system_identifier), name, pid, format_time(now));
    const std::int64_t id = change.last_insert_id();
    for (const std::int64_t store : stores) change.run(sql::backup_expect, id, store);
    change.commit();
    return id;
}

void BackupRecords::describe_backup(std::int64_t backup, const BackupExtent& extent) {
    run(Synchronous::full, sql::backup_describe, backup, extent.started_at, extent.stopped_at,
        static_cast<std::int64_t>(extent.timeline), format_lsn(extent.start_lsn), format_lsn(extent.stop_lsn),
        extent.first_segment, extent.last_segment, static_cast<std::int64_t>(extent.segments),
        static_cast<std::int64_t>(extent.size), static_cast<std::int64_t>(extent.missing));
}

void BackupRecords::expect_backup_label(std::int64_t backup, std::int64_t store, const std::string& key,
                                        const std::string& sha256, std::uint64_t object_size) {
    run(Synchronous::full, sql::backup_expect_label, backup, store, key, sha256,
        static_cast<std::int64_t>(object_size));
}

void BackupRecords::backup_verified(std::int64_t backup, std::int64_t store, WallTime now) {
    run(Synchronous::full, sql::backup_verified, backup, store, format_time(now));
}

void BackupRecords::backup_failed(std::int64_t backup, std::int64_t store, const std::string& error) {
    run(Synchronous::normal, sql::backup_failed, backup, store, error);
}

void BackupRecords::backup_removed(std::int64_t backup, std::int64_t store) {
    run(Synchronous::normal, sql::backup_removed, backup, store);
}

void BackupRecords::end_backup(std::int64_t backup, int exit_code, WallTime now) {
    run(Synchronous::normal, sql::backup_end, backup, format_time(now), exit_code);
}

bool BackupRecords::learn_backup(std::uint64_t system_identifier, const std::string& name,
                                 const BackupExtent& extent, std::int64_t store, const std::string& label_key,
                                 std::uint64_t object_size, WallTime now) {
    const std::string cluster = std::to_string(system_identifier);
    auto id = read(sql::backup_find, name, cluster).first([](const Statement& s) { return s.integer(0); });
    LedgerChange change(connection_, Synchronous::normal);
    if (!id) {
        change.run(sql::backup_begin, cluster, name, std::int64_t{0}, extent.started_at);
        id = change.last_insert_id();
        change.run(sql::backup_describe, *id, extent.started_at, extent.stopped_at,
                   static_cast<std::int64_t>(extent.timeline), format_lsn(extent.start_lsn),
                   format_lsn(extent.stop_lsn), extent.first_segment, extent.last_segment,
                   static_cast<std::int64_t>(extent.segments), static_cast<std::int64_t>(extent.size),
                   static_cast<std::int64_t>(extent.missing));
        change.run(sql::backup_end, *id, extent.stopped_at, std::int64_t{0});
    }
    change.run(sql::backup_found, *id, store, label_key, static_cast<std::int64_t>(object_size),
               format_time(now));
    const bool fresh = change.changes() > 0;
    change.commit();
    return fresh;
}

void BackupRecords::backup_brought(const std::string& name, std::int64_t store, const std::string& label_key,
                                   WallTime now) {
    run(Synchronous::normal, sql::backup_brought, name, store, label_key, format_time(now));
}

std::string BackupRecords::first_backup_position(std::uint64_t system_identifier) {
    return read(sql::backup_first_position, std::to_string(system_identifier)).text().value_or("");
}

std::vector<AbandonedBackup> BackupRecords::abandoned_backups() {
    return read(sql::backup_abandoned).all(abandoned_row);
}

std::vector<BackupCopyRow> BackupRecords::backup_copies(std::int64_t backup) {
    return read(sql::backup_copies, backup).all(copy_row);
}

std::vector<BackupRange> BackupRecords::backups_without_wal() {
    return read(sql::backup_without_wal).all(range_row);
}

std::vector<BackupCopyRow> BackupRecords::last_restorable_backups() {
    return read(sql::backup_last_restorable).all(copy_row);
}

std::vector<std::string> BackupRecords::verified_backups(std::uint64_t system_identifier,
                                                         const std::string& store) {
    return read(sql::backup_verified_in, std::to_string(system_identifier), store)
        .all([](const Statement& s) { return s.text(0); });
}

std::optional<std::uint64_t> BackupRecords::present_cluster() {
    const auto newest = read(sql::backup_newest_cluster).first([](const Statement& s) {
        return std::pair(s.decimal(0), s.integer(1) != 0);
    });
    if (!newest) return std::nullopt;
    const auto& [cluster, is_rebuilt] = *newest;
    if (!is_rebuilt) return cluster;
    // initdb makes an identifier of the time, so a later one is larger.
    std::uint64_t latest = 0;
    for (const std::uint64_t known :
         read(sql::backup_clusters).all([](const Statement& s) { return s.decimal(0); }))
        latest = std::max(latest, known);
    return latest;
}

std::optional<std::uint64_t> BackupRecords::other_cluster(std::uint64_t system_identifier) {
    return read(sql::backup_other_cluster, std::to_string(system_identifier)).first([](const Statement& s) {
        return s.decimal(0);
    });
}

std::vector<BackupStart> BackupRecords::backup_starts(std::uint64_t system_identifier) {
    const auto rows = read(sql::backup_starts, std::to_string(system_identifier)).all([](const Statement& s) {
        return std::pair(static_cast<std::uint32_t>(s.integer(0)), parse_lsn(s.text(1)));
    });
    std::vector<BackupStart> starts;
    for (const auto& [timeline, lsn] : rows) {
        if (lsn) starts.push_back({timeline, *lsn});
    }
    return starts;
}

}  // namespace walferry
