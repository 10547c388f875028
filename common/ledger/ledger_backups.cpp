#include <algorithm>
#include <charconv>

#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_change.hpp"
#include "common/wal/lsn.hpp"
#include "sql/embedded.hpp"

// What the ledger knows of base backups.
namespace walferry {
namespace {

using sqlite::Statement;

std::uint64_t unsigned_number(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::vector<BackupCopyRow> copy_rows(Statement& s) {
    std::vector<BackupCopyRow> rows;
    while (s.step()) {
        rows.push_back({s.text(0), s.text(1), s.integer(2), s.text(3), s.optional_text(4), s.integer(5),
                        s.integer(6), s.integer(7) != 0, unsigned_number(s.text(8))});
    }
    return rows;
}

}  // namespace

std::int64_t Ledger::begin_backup(std::uint64_t system_identifier, const std::string& name, std::int64_t pid,
                                  std::span<const std::int64_t> stores, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::backup_begin, std::to_string(system_identifier), name, pid, format_time(now));
    const std::int64_t id = change.last_insert_id();
    for (const std::int64_t store : stores) change.run(sql::backup_expect, id, store);
    change.commit();
    return id;
}

void Ledger::describe_backup(std::int64_t backup, const BackupExtent& extent) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::backup_describe, backup, extent.started_at, extent.stopped_at,
               static_cast<std::int64_t>(extent.timeline), format_lsn(extent.start_lsn),
               format_lsn(extent.stop_lsn), extent.first_segment, extent.last_segment,
               static_cast<std::int64_t>(extent.segments), static_cast<std::int64_t>(extent.size),
               static_cast<std::int64_t>(extent.missing));
    change.commit();
}

void Ledger::expect_backup_label(std::int64_t backup, std::int64_t store, const std::string& key,
                                 const std::string& sha256, std::uint64_t object_size) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::backup_expect_label, backup, store, key, sha256, static_cast<std::int64_t>(object_size));
    change.commit();
}

void Ledger::backup_verified(std::int64_t backup, std::int64_t store, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::backup_verified, backup, store, format_time(now));
    change.commit();
}

void Ledger::backup_failed(std::int64_t backup, std::int64_t store, const std::string& error) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::backup_failed, backup, store, error);
    change.commit();
}

void Ledger::backup_removed(std::int64_t backup, std::int64_t store) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::backup_removed, backup, store);
    change.commit();
}

void Ledger::end_backup(std::int64_t backup, int exit_code, WallTime now) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::backup_end, backup, format_time(now), exit_code);
    change.commit();
}

std::string Ledger::first_backup_position(std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::backup_first_position);
    return s.bind(std::to_string(system_identifier)).step() ? s.text(0) : std::string();
}

std::vector<AbandonedBackup> Ledger::abandoned_backups() {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::backup_abandoned);
    std::vector<AbandonedBackup> rows;
    while (s.step()) {
        rows.push_back({s.integer(0), s.integer(1), s.text(2), unsigned_number(s.text(3)), s.text(4),
                        s.text(5), static_cast<std::uint64_t>(s.integer(6)), s.integer(7) != 0});
    }
    return rows;
}

std::vector<BackupCopyRow> Ledger::backup_copies(std::int64_t backup) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::backup_copies);
    statement.bind(backup);
    return copy_rows(statement);
}

std::vector<BackupRange> Ledger::backups_without_wal() {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::backup_without_wal);
    std::vector<BackupRange> rows;
    while (s.step())
        rows.push_back({s.text(0), s.integer(1), unsigned_number(s.text(2)), s.text(3), s.text(4)});
    return rows;
}

std::vector<BackupCopyRow> Ledger::last_restorable_backups() {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::backup_last_restorable);
    return copy_rows(statement);
}

std::optional<std::uint64_t> Ledger::present_cluster() {
    const std::lock_guard lock(mutex_);
    Statement newest(*database_, sql::backup_newest_cluster);
    if (!newest.step()) return std::nullopt;
    if (newest.integer(1) == 0) return unsigned_number(newest.text(0));
    // initdb makes an identifier of the time, so a later one is larger.
    std::uint64_t latest = 0;
    Statement known(*database_, sql::backup_clusters);
    while (known.step()) latest = std::max(latest, unsigned_number(known.text(0)));
    return latest;
}

std::optional<std::uint64_t> Ledger::other_cluster(std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::backup_other_cluster);
    if (!statement.bind(std::to_string(system_identifier)).step()) return std::nullopt;
    return unsigned_number(statement.text(0));
}

std::vector<BackupStart> Ledger::backup_starts(std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::backup_starts);
    s.bind(std::to_string(system_identifier));
    std::vector<BackupStart> starts;
    while (s.step()) {
        if (const auto lsn = parse_lsn(s.text(1)))
            starts.push_back({static_cast<std::uint32_t>(s.integer(0)), *lsn});
    }
    return starts;
}

}  // namespace walferry
