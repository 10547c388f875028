#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/held_wal.hpp"
#include "common/wal/timeline_history.hpp"

namespace walferry::archive {

/// Where a backup lies in the WAL: it can be used once everything from start to stop was replayed.
struct BackupPoint {
    std::uint32_t timeline = 0;
    std::uint64_t start_lsn = 0;
    std::uint64_t stop_lsn = 0;
};

/// What recovery would need next is missing, and what shows that there was more is there: archive-get stops a
/// recovery at the same place, with the same reasons (restore/fetch/later_wal.hpp).
struct WalGap {
    std::string first_missing;  // a segment, or the history file of a timeline that has segments
    std::string next_held;      // a segment, a .partial, or a history by which the timeline was left later

    bool operator==(const WalGap&) const = default;
};

/// How far the WAL leads from a backup along one way.
struct Reach {
    std::uint32_t timeline = 0;   // where the way leads
    bool consistent = false;      // to the backup's stop at least
    std::uint64_t end_lsn = 0;    // everything before this is held
    std::optional<WalName> last;  // the segment or .partial that ends there; nothing where not even the first
                                  // is held
    std::optional<WalGap> gap;

    bool holds(std::uint64_t lsn) const noexcept { return consistent && lsn < end_lsn; }
};

/// Walks from the backup's first segment on as recovery does: each segment from the newest timeline on the
/// way that has begun by its end, and the .partial of a timeline's last one up to where it was left.
/// `histories`: all that are known, for what leads on from the way's end.
Reach reach_along(const std::vector<TimelineSpan>& way, const BackupPoint& backup, const UsableWal& wal,
                  const std::vector<TimelineHistory>& histories);

/// Along every way that leads from the backup, the lowest timeline first; its own is always among them.
std::vector<Reach> reaches(const std::vector<TimelineHistory>& histories, const BackupPoint& backup,
                           const UsableWal& wal);

}  // namespace walferry::archive
