#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "common/settings/retention.hpp"
#include "maintenance/expire/timeline_paths.hpp"

namespace walferry::expire {

/// The moments that have to stay reachable.
struct Window {
    WallTime start, end;
};

/// Which backups stay, by every rule but the marks'.
struct KeptBackups {
    /// A WAL range that stays whatever leads to it, and why.
    struct Stay {
        WalRun wal;
        std::string why;
    };
    std::vector<std::string> why;      // by backup; empty: nothing needs it
    std::vector<std::size_t> leading;  // from these on, all WAL on every path that they lead to stays
    std::vector<Stay> stays;
    std::vector<std::string> notes;  // what a person should know of it
};

/// `counted`: by backup, empty where it counts, else why not. A backup without a label is not looked at.
KeptBackups keep_backups(const StoredCluster& cluster, const std::vector<TimelinePath>& paths,
                         const std::vector<std::string>& uncounted, const Retention& retention,
                         const Window& window, WallTime now);

}  // namespace walferry::expire
