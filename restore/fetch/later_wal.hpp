#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/wal/timeline_history.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::fetch {

/// What the archive shows of one timeline, seen from the position of a file that is missing.
struct TimelineSight {
    std::string first;  // its first segment or .partial from that position on; "" for none
    std::vector<TimelineHistory> histories;  // each content of its history file
    bool history_unusable = false;           // one is there, and no store gives it whole
};
using TimelineSights = std::map<std::uint32_t, TimelineSight>;

/// The missing file, and what is known about the recovery that asks for it.
struct Missing {
    WalName name;                    // a segment or a history file
    std::uint64_t segment_size = 0;  // 0: not known; then more counts as later
    /// Timelines up to this one may have begun before there was an archive, and have no history file.
    std::uint32_t own_timeline = 1;
};

/// What shows that WAL which can only be reached past the missing file is there all the same: a timeline that
/// leads on from its own one behind it, or one of which that cannot be told. In words, for a message; nullopt
/// for nothing. PostgreSQL asks for a segment along one timeline only, and must not be told that it is
/// absent. `reached`: up to where the segment's .partial leads.
std::optional<std::string> later_elsewhere(const Missing& missing, const TimelineSights& seen,
                                           std::optional<std::uint64_t> reached = {});

/// The last place at which the timeline of a segment was left, where that lies within the segment.
std::optional<std::uint64_t> fork_within(const Missing& missing, const TimelineSights& seen);

}  // namespace walferry::fetch
