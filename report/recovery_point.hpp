#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "common/ledger/ledger.hpp"
#include "common/spool/spool_scan.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/wal_facts.hpp"

namespace walferry::report {

/// How far the commits lead that are safe in one store, by this host's ledger: from the newest backup that
/// can be restored from there on, along the newest timeline whose history file it has, through the WAL that
/// it has without a hole and without a dispute about a content.
struct RecoveryPoint {
    std::string segment;                   // the last one that counts
    std::optional<WalMoment> last_commit;  // the last one that a restore from there alone brings back
    std::optional<std::int64_t>
        complete_until;               // the last time that a record there tells: a commit, an abort,
                                      // a checkpoint. An idle server's last commit is older.
    bool known = true;                // false: of segments behind that commit no facts are known
    std::optional<std::string> hole;  // the first file behind it that is missing, not read back or disputed
    std::optional<std::string>
        listed;          // the first segment that counts only because a listing shows it: another
                         // host brought it there, or this one before its ledger was rebuilt
    std::string reason;  // why nothing is claimed, where `segment` is empty
};

/// nullopt where the ledger knows of no WAL. Times are microseconds since 1970 UTC.
std::optional<RecoveryPoint> recovery_point(Ledger& ledger, std::uint64_t system_identifier,
                                            std::int64_t store);

/// The same of what waits in this host's spool: the segments behind are read, where no facts of them are
/// known. nullopt where nothing waits.
std::optional<RecoveryPoint> recovery_point_in_spool(Ledger& ledger, std::uint64_t system_identifier,
                                                     const SpoolPaths& spool, const SpoolScan& scan);

/// The last commit and the last time in a segment and those before it on its timeline, of those whose facts
/// are known.
void look_back(Ledger& ledger, std::uint64_t system_identifier, const std::string& segment,
               RecoveryPoint& point);

}  // namespace walferry::report
