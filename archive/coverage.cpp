#include "archive/coverage.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace walferry::archive {
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

std::string history_name(std::uint32_t timeline) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%08X.history", timeline);
    return text.data();
}

/// A history by which a timeline was left, and where.
struct Leaving {
    std::uint32_t by = 0;
    std::uint64_t at = 0;
};

/// The last place behind `lsn` at which it was left.
std::optional<Leaving> left_behind(const std::vector<TimelineHistory>& histories, std::uint32_t timeline,
                                   std::uint64_t lsn) {
    std::optional<Leaving> last;
    for (const TimelineHistory& history : histories) {
        for (const TimelineSpan& span : history.spans) {
            if (span.timeline != timeline || timeline == history.timeline || span.end <= lsn) continue;
            if (!last || span.end > last->at) last = Leaving{history.timeline, span.end};
        }
    }
    return last;
}

std::string partial_name(const UsableWal& wal, std::uint32_t timeline, std::uint64_t number) {
    return wal.name(timeline, number).text + ".partial";
}

/// The timeline's own end, where `number` is the first segment that is missing: what is there as .partial
/// counts up to `fork`.
bool reach_fork(Reach& reach, const UsableWal& wal, std::uint32_t timeline, std::uint64_t number,
                std::uint64_t fork) {
    if (fork <= number * wal.segment_size || fork >= (number + 1) * wal.segment_size) return false;
    if (wal.of(timeline).end_from(number) > number || wal.has_divergent(timeline, number))
        reach.last = wal.name(timeline, number);
    else if (wal.has_partial(timeline, number, fork))
        reach.last = WalName::parse(partial_name(wal, timeline, number));
    else
        return false;
    reach.end_lsn = fork;
    return true;
}

/// Without its history file it cannot be told whether a timeline leads on, and PostgreSQL asks for the file.
std::optional<WalGap> timeline_without_history(const std::vector<TimelineHistory>& histories,
                                               std::uint32_t above, const UsableWal& wal) {
    for (const auto& [timeline, runs] : wal.timelines) {
        if (timeline <= above) continue;
        const auto first = runs.next_from(0);
        const bool known = std::any_of(
            histories.begin(), histories.end(),
            [wanted = timeline](const TimelineHistory& history) { return history.timeline == wanted; });
        if (first && !known) return WalGap{history_name(timeline), wal.name(timeline, *first).text};
    }
    return std::nullopt;
}

}  // namespace

Reach reach_along(const std::vector<TimelineSpan>& way, const BackupPoint& backup, const UsableWal& wal,
                  const std::vector<TimelineHistory>& histories) {
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
    const bool begins_here = at > 0 && first_segment(way[at], wal.segment_size) == number;
    if (begins_here) (void)reach_fork(reach, wal, way[at - 1].timeline, number, way[at].begin);
    const std::uint32_t timeline = way[at].timeline;
    if (const auto left = left_behind(histories, timeline, reach.end_lsn))
        (void)reach_fork(reach, wal, timeline, number, left->at);
    reach.consistent = reach.last && reach.end_lsn >= backup.stop_lsn;

    const std::string missing = wal.name(timeline, number).text;
    // Behind the fork the contents differ: nothing is missing, and which of them counts a person has to say.
    if (wal.has_divergent(timeline, number) && !(at + 1 < way.size())) return reach;
    if (const auto next = next_held(way, at, number, wal)) {
        reach.gap = WalGap{missing, next->text};
    } else if (begins_here && way[at].begin > reach.end_lsn) {
        reach.gap = WalGap{wal.name(way[at - 1].timeline, number).text, history_name(timeline)};
    } else if (at + 1 < way.size()) {
        reach.gap = WalGap{missing, history_name(way[at + 1].timeline)};
    } else if (const auto left = left_behind(histories, timeline, reach.end_lsn)) {
        reach.gap = WalGap{missing, history_name(left->by)};
    } else if (const auto partial = wal.next_partial(timeline, number);
               partial && reach.end_lsn <= *partial * wal.segment_size) {
        reach.gap = WalGap{missing, partial_name(wal, timeline, *partial)};
    } else {
        reach.gap = timeline_without_history(histories, backup.timeline, wal);
    }
    return reach;
}

std::vector<Reach> reaches(const std::vector<TimelineHistory>& histories, const BackupPoint& backup,
                           const UsableWal& wal) {
    std::vector<Reach> found{
        reach_along({{backup.timeline, 0, TimelineSpan::open_end}}, backup, wal, histories)};
    for (const TimelineHistory& history : histories) {
        const auto way = way_from(history, backup.timeline, backup.start_lsn, backup.stop_lsn);
        if (way && history.timeline != backup.timeline)
            found.push_back(reach_along(*way, backup, wal, histories));
    }
    std::sort(found.begin(), found.end(),
              [](const Reach& a, const Reach& b) { return a.timeline < b.timeline; });
    return found;
}

}  // namespace walferry::archive
