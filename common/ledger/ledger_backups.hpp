#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/ledger_part.hpp"

namespace walferry {

/// What a base backup covers, known when the server has ended it.
struct BackupExtent {
    std::string started_at, stopped_at;  // by the server's clock
    std::uint32_t timeline;
    std::uint64_t start_lsn, stop_lsn;
    std::string first_segment, last_segment;
    std::uint64_t segments;
    std::uint64_t size;
    std::uint64_t missing = 0;  // things of the cluster that the backup lacks
};

/// A base backup's copy of which nothing says that it is whole.
struct AbandonedBackup {
    std::int64_t backup, store;
    std::string name;
    std::uint64_t system_identifier;
    std::string label_key, label_sha256;  // empty: no label was ever put
    std::uint64_t object_size;
    bool complete_elsewhere;  // another store has all of it: this one was given up
};

struct BackupCopyRow {
    std::string backup, store;
    std::int64_t store_id;
    std::string state;
    std::optional<std::string> stopped_at;
    std::int64_t missing_segments, conflicts;
    bool restorable;
    std::uint64_t system_identifier;
};

struct BackupStart {
    std::uint32_t timeline = 0;
    std::uint64_t lsn = 0;
};

/// The WAL of a backup that this host made, where a store was not seen to have all of it.
struct BackupRange {
    std::string store;
    std::int64_t store_id;
    std::uint64_t system_identifier;
    std::string first_segment, last_segment;
};

/// Base backups. What begins and what is put is recorded durably before it is done, so that the pieces of a
/// run that was killed are known.
class BackupRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    std::int64_t begin_backup(std::uint64_t system_identifier, const std::string& name, std::int64_t pid,
                              std::span<const std::int64_t> stores, WallTime now);
    void describe_backup(std::int64_t backup, const BackupExtent& extent);
    void expect_backup_label(std::int64_t backup, std::int64_t store, const std::string& key,
                             const std::string& sha256, std::uint64_t object_size);
    void backup_verified(std::int64_t backup, std::int64_t store, WallTime now);
    void backup_failed(std::int64_t backup, std::int64_t store, const std::string& error);
    void backup_removed(std::int64_t backup, std::int64_t store);
    void end_backup(std::int64_t backup, int exit_code, WallTime now);
    /// One that a store shows whole, by an index that is trusted. False where the ledger knows of it there
    /// already.
    bool learn_backup(std::uint64_t system_identifier, const std::string& name, const BackupExtent& extent,
                      std::int64_t store, const std::string& label_key, std::uint64_t object_size,
                      WallTime now);
    /// A backup that the ledger knows whole in another store was brought to this one, its label last, and
    /// read back. Of one that it does not know it learns nothing.
    void backup_brought(const std::string& name, std::int64_t store, const std::string& label_key,
                        WallTime now);
    /// All of them, one that is being made included: ask before yours begins, and under the backups' lock.
    std::vector<AbandonedBackup> abandoned_backups();
    std::vector<BackupCopyRow> backup_copies(std::int64_t backup);
    /// Of the few newest backups whose pieces are whole.
    std::vector<BackupRange> backups_without_wal();
    /// Of each cluster, the newest one in each store from which it can be restored.
    std::vector<BackupCopyRow> last_restorable_backups();
    /// Those of one store that this host made and read back whole.
    std::vector<std::string> verified_backups(std::uint64_t system_identifier, const std::string& store);
    /// Where the first backup of that cluster begins that any store has: the name of a segment without its
    /// timeline; "" where none is known.
    std::string first_backup_position(std::uint64_t system_identifier);
    /// The cluster that archives into this spool: that of the segment that came last, and after a rebuild the
    /// one that was created last. nullopt where no segment is known.
    std::optional<std::uint64_t> present_cluster();
    /// The cluster whose segments the ledger knows, where there are none of this one.
    std::optional<std::uint64_t> other_cluster(std::uint64_t system_identifier);
    /// Of each timeline's last that is whole in a store.
    std::vector<BackupStart> backup_starts(std::uint64_t system_identifier);
};

}  // namespace walferry
