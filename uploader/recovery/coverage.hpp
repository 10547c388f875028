#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "uploader/recovery/held_wal.hpp"
#include "uploader/recovery/timeline_history.hpp"

namespace walferry {

/// Where a backup lies in the WAL: it can be used once everything from start to stop was replayed.
struct BackupPoint {
    std::uint32_t timeline = 0;
    std::uint64_t start_lsn = 0;
    std::uint64_t stop_lsn = 0;
};

/// Segments that recovery would need next are missing, and later ones are there.
struct WalGap {
    std::string first_missing;
    std::string next_held;

    bool operator==(const WalGap&) const = default;
};

/// How far the WAL leads from a backup along one way.
struct Reach {
    std::uint32_t timeline = 0;   // where the way leads
    bool consistent = false;      // to the backup's stop at least
    std::uint64_t end_lsn = 0;    // everything before this is held
    std::optional<WalName> last;  // the segment that ends there; nothing where not even the first is held
    std::optional<WalGap> gap;

    bool holds(std::uint64_t lsn) const noexcept { return consistent && lsn < end_lsn; }
};

/// Walks from the backup's first segment on as recovery does: each segment from the newest timeline on the
/// way that has begun by its end.
Reach reach_along(const std::vector<TimelineSpan>& way, const BackupPoint& backup, const UsableWal& wal);

/// Along every way that leads from the backup, the lowest timeline first; its own is always among them.
std::vector<Reach> reaches(const std::vector<TimelineHistory>& histories, const BackupPoint& backup,
                           const UsableWal& wal);

}  // namespace walferry
