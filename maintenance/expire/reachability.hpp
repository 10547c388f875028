#pragma once
#include <cstdint>

#include "archive/coverage.hpp"
#include "maintenance/expire/timeline_paths.hpp"

namespace walferry::expire {

/// How far the store's WAL leads.
class Reachability {
  public:
    explicit Reachability(const StoredCluster& cluster);

    /// All of its objects and all WAL that it needs are there.
    bool restorable(const Backup& backup) const;
    /// It can be used for moments of the path from `since` on: nothing is missing from its start up to the
    /// end of the path, or up to a segment that came into the store after `since`.
    bool reaches(const Backup& backup, const TimelinePath& path, WallTime since) const;
    /// When the store got the last segment that it needs; the epoch where it has none.
    WallTime put_last(const Backup& backup) const { return modified(backup.timeline, backup.last); }
    /// The newest segment of a timeline; the epoch where it has none.
    WallTime newest(std::uint32_t timeline) const;

  private:
    WallTime modified(std::uint32_t timeline, std::uint64_t number) const;

    const StoredCluster& cluster_;
    archive::UsableWal usable_;
};

}  // namespace walferry::expire
