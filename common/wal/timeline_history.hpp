#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace walferry {

/// A stretch of WAL on one timeline, from `begin` up to `end`.
struct TimelineSpan {
    static constexpr std::uint64_t open_end = UINT64_MAX;

    std::uint32_t timeline = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = open_end;

    bool operator==(const TimelineSpan&) const = default;
};

/// What TTTTTTTT.history tells (PostgreSQL: access/transam/timeline.c): the way from the first timeline to
/// its own, oldest first; the last span is its own and has no end.
struct TimelineHistory {
    std::uint32_t timeline = 0;
    std::vector<TimelineSpan> spans;

    /// Throws integrity for a text that PostgreSQL would not take either.
    static TimelineHistory parse(std::uint32_t timeline, std::string_view text);
    /// Of a timeline that has no such file, as the first one: it begins with itself.
    static TimelineHistory root(std::uint32_t timeline);
};

/// The part of the way that recovery walks from a backup on. nullopt where it does not lead there: the
/// backup's timeline is no ancestor, or was left before the backup was complete.
std::optional<std::vector<TimelineSpan>> way_from(const TimelineHistory& history,
                                                  std::uint32_t backup_timeline, std::uint64_t start_lsn,
                                                  std::uint64_t stop_lsn);

}  // namespace walferry
