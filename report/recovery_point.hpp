#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "common/ledger/ledger.hpp"
#include "common/spool/spool_scan.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/wal_facts.hpp"

namespace walferry::report {

/// Until when commits are safe in one store, by this host's ledger: along the WAL that is verified there
/// without a hole, from the newest restorable backup on, or, where the ledger knows of none, from the newest
/// run of segments.
struct RecoveryPoint {
    std::string segment;                   // the last one that counts
    std::optional<WalMoment> last_commit;  // the last one that a restore from there alone brings back
    std::optional<std::int64_t>
        complete_until;               // the last time that a record there tells: a commit, an abort,
                                      // a checkpoint. An idle server's last commit is older.
    bool known = true;                // false: of segments behind that commit no facts are known
    std::optional<std::string> hole;  // the first segment behind it that is missing or not verified
};

/// nullopt where nothing is verified there. Times are microseconds since 1970 UTC.
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
