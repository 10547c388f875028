#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "report/recovery_point.hpp"

namespace walferry::report {

/// A cluster that the present one replaced (initdb, pg_upgrade), as far as the ledger knows it.
struct EarlierCluster {
    std::uint64_t system_identifier;
    std::vector<StoreSummary> stores;
};

/// The state of a spool and its ledger, without asking any store.
struct Status {
    std::string cluster, spool;
    std::optional<std::uint64_t> system_identifier;  // of the cluster that archives here, where it is known
    std::size_t segments = 0;                        // in the spool
    std::uint64_t bytes = 0;
    std::optional<std::int64_t> oldest_age_seconds;
    std::vector<std::string> problems;    // in the spool, left alone
    std::vector<StoreSummary> stores;     // what they have of the present cluster
    std::vector<EarlierCluster> earlier;  // the newest first
    /// Verified before then, and seen in every store's listings since (walferry check); nullopt: not yet
    /// whole.
    std::optional<std::string> seen_since;
    std::vector<std::pair<std::string, LostUploads>> lost_by_stores;  // verified there, and gone from it
    std::size_t conflicts = 0;                                        // unsettled
    std::vector<std::string> lost;       // neither in the spool nor verified everywhere
    std::vector<BackupCopyRow> backups;  // the newest restorable one of each store that has one
    // Likewise of earlier clusters, the newest first.
    std::vector<BackupCopyRow> earlier_backups;
    std::size_t earlier_segments = 0;   // of the segments in the spool, those of other clusters
    std::vector<ArchiveSight> archive;  // what the stores held when they were asked last
    std::map<std::string, RecoveryPoint> recovery_points;  // of each store that has one
    /// Until when this host's disk alone holds commits that some store lacks.
    std::optional<RecoveryPoint> on_disk;
    std::optional<RunRow> last_run;
    bool at_work = false;                     // the last run holds the lock now
    std::optional<std::string> ledger_error;  // why there is nothing about the stores
    bool ledger_migrates = false;             // that is: its format is an earlier one, still
};

/// Throws when the spool itself cannot be read; a ledger that cannot be used is part of the answer.
/// `system_identifier`: what the server says that its own is; else the ledger knows which cluster archives.
Status collect_status(const Settings& settings,
                      std::optional<std::uint64_t> system_identifier = std::nullopt);

}  // namespace walferry::report
