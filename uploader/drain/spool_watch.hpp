#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/os/fd.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/segment_id.hpp"

namespace walferry::drain {

/// Tells of files that appear in ready/SYSID/ (inotify). What was there when it was made, it does not tell
/// of.
class SpoolWatch {
  public:
    struct Seen {
        std::vector<SegmentId> names;
        bool look_everywhere = false;  // a new folder, events that were lost, or nothing to watch with
    };

    explicit SpoolWatch(const SpoolPaths& spool);

    /// Returns once something has appeared and a moment has passed for what comes with it (a push records its
    /// segment after it linked it), when `patience` has passed, or when asked to stop.
    Seen wait(std::chrono::milliseconds patience, const std::stop_token& stop);

    /// "" while the kernel tells of changes; else why it does not, and wait() asks for a look every second.
    const std::string& trouble() const noexcept { return trouble_; }

  private:
    void watch_clusters();
    void read_events(Seen& seen);
    void give_up(const std::string& why);

    const SpoolPaths spool_;
    Fd events_;
    Fd wake_;
    int ready_ = -1;
    std::map<int, std::uint64_t> clusters_;  // watch descriptor, system identifier
    std::string trouble_;
};

}  // namespace walferry::drain
