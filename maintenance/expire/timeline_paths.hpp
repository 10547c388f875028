#pragma once
#include <cstdint>
#include <vector>

#include "maintenance/expire/stored_cluster.hpp"

namespace walferry::expire {

/// The way that recovery takes to the end of one timeline.
struct TimelinePath {
    TimelineHistory history;
    bool known = false;             // false: its history cannot be read, so where it came from is not known
    std::vector<WalRun> stretches;  // one a timeline; each ends with the segment in which it was left

    std::uint32_t timeline() const noexcept { return history.timeline; }
    /// The backup was complete before the path leaves the backup's timeline.
    bool leads_from(const Backup& backup) const noexcept;
    /// The same, or it was left in the segment in which the backup ended: perhaps before.
    bool may_lead_from(const Backup& backup) const noexcept;
    /// What the path uses from that backup on.
    std::vector<WalRun> wal_from(const Backup& backup) const;
};

/// To every timeline that has WAL, a backup or a history: one path each, or one for each content of its
/// history.
std::vector<TimelinePath> find_paths(const StoredCluster& cluster);

}  // namespace walferry::expire
