#include "uploader/recovery/coverage.hpp"

#include <algorithm>

namespace walferry {
namespace {

/// The first segment of a span is the one its switch lies in: it holds a copy of its parent's beginning.
std::uint64_t first_segment(const TimelineSpan& span, std::uint64_t segment_size) {
    return span.begin / segment_size;
}

std::optional<WalName> next_held(const std::vector<TimelineSpan>& way, std::size_t from, std::uint64_t number,
                                 const UsableWal& wal) {
    for (std::size_t i = from; i < way.size(); ++i) {
        const auto next =
            wal.of(way[i].timeline)
                .next_from(std::max(number, i == from ? 0 : first_segment(way[i], wal.segment_size)));
        const bool on_the_way =
            next && (i + 1 == way.size() || *next < first_segment(way[i + 1], wal.segment_size));
        if (on_the_way) return wal.name(way[i].timeline, *next);
    }
    return std::nullopt;
}

}  // namespace

Reach reach_along(const std::vector<TimelineSpan>& way, const BackupPoint& backup, const UsableWal& wal) {
    Reach reach;
    reach.timeline = way.back().timeline;
    std::uint64_t number = backup.start_lsn / wal.segment_size;
    std::size_t at = 0;
    for (;;) {
        while (at + 1 < way.size() && first_segment(way[at + 1], wal.segment_size) <= number) ++at;
        const std::uint64_t leave =
            at + 1 < way.size() ? first_segment(way[at + 1], wal.segment_size) : UINT64_MAX;
        const std::uint64_t end = std::min(wal.of(way[at].timeline).end_from(number), leave);
        if (end > number) reach.last = wal.name(way[at].timeline, end - 1);
        number = end;
        if (end != leave) break;
    }
    reach.end_lsn = number * wal.segment_size;
    // The parent's own copy leads up to the switch.
    if (at > 0 && first_segment(way[at], wal.segment_size) == number &&
        wal.of(way[at - 1].timeline).end_from(number) > number) {
        reach.last = wal.name(way[at - 1].timeline, number);
        reach.end_lsn = way[at].begin;
    }
    reach.consistent = reach.last && reach.end_lsn >= backup.stop_lsn;
    if (const auto next = next_held(way, at, number, wal))
        reach.gap = WalGap{wal.name(way[at].timeline, number).text, next->text};
    return reach;
}

std::vector<Reach> reaches(const std::vector<TimelineHistory>& histories, const BackupPoint& backup,
                           const UsableWal& wal) {
    std::vector<Reach> found{reach_along({{backup.timeline, 0, TimelineSpan::open_end}}, backup, wal)};
    for (const TimelineHistory& history : histories) {
        const auto way = way_from(history, backup.timeline, backup.start_lsn, backup.stop_lsn);
        if (way && history.timeline != backup.timeline) found.push_back(reach_along(*way, backup, wal));
    }
    std::sort(found.begin(), found.end(),
              [](const Reach& a, const Reach& b) { return a.timeline < b.timeline; });
    return found;
}

}  // namespace walferry
