#include "archive/held_wal.hpp"

#include <algorithm>

namespace walferry::archive {
namespace {

constexpr std::uint64_t xlog_id_bytes = std::uint64_t{1} << 32;

/// nullopt for a name that segments of this size cannot have.
std::optional<std::uint64_t> segment_number(std::uint64_t position, std::uint64_t segment_size) {
    const std::uint64_t per_log = xlog_id_bytes / segment_size;
    const std::uint64_t seg = position & 0xffffffff;
    if (seg >= per_log) return std::nullopt;
    return (position >> 32) * per_log + seg;
}

}  // namespace

void SegmentRuns::add(std::uint64_t number) {
    if (!runs_.empty() && runs_.back().second == number)
        ++runs_.back().second;
    else
        runs_.emplace_back(number, number + 1);
}

std::uint64_t SegmentRuns::end_from(std::uint64_t number) const {
    const auto after = std::upper_bound(runs_.begin(), runs_.end(), std::pair(number, UINT64_MAX));
    if (after == runs_.begin()) return number;
    return std::max(number, std::prev(after)->second);
}

std::optional<std::uint64_t> SegmentRuns::next_from(std::uint64_t number) const {
    const auto after = std::upper_bound(runs_.begin(), runs_.end(), std::pair(number, UINT64_MAX));
    if (after != runs_.begin() && std::prev(after)->second > number) return number;
    return after == runs_.end() ? std::nullopt : std::optional(after->first);
}

const SegmentRuns& UsableWal::of(std::uint32_t timeline) const {
    static const SegmentRuns none;
    const auto found = timelines.find(timeline);
    return found == timelines.end() ? none : found->second;
}

bool UsableWal::has_divergent(std::uint32_t timeline, std::uint64_t number) const {
    const auto found = divergent.find(timeline);
    return found != divergent.end() && found->second.contains(number);
}

bool UsableWal::has_partial(std::uint32_t timeline, std::uint64_t number, std::uint64_t up_to) const {
    const auto found = partials.find(timeline);
    if (found == partials.end()) return false;
    const auto partial = found->second.find(number);
    return partial != found->second.end() && up_to <= partial->second;
}

std::optional<std::uint64_t> UsableWal::next_partial(std::uint32_t timeline, std::uint64_t number) const {
    const auto found = partials.find(timeline);
    if (found == partials.end()) return std::nullopt;
    const auto next = found->second.lower_bound(number);
    return next == found->second.end() ? std::nullopt : std::optional(next->first);
}

WalName UsableWal::name(std::uint32_t timeline, std::uint64_t number) const {
    return WalName::segment_at(timeline, number * segment_size, segment_size);
}

std::vector<std::pair<std::uint32_t, std::uint64_t>> several_contents(const HeldSegments& held) {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> several;
    for (const auto& [timeline, unsorted] : held) {
        auto segments = unsorted;
        std::sort(segments.begin(), segments.end());
        for (std::size_t i = 1; i < segments.size(); ++i) {
            const HeldSegment& last = segments[i - 1];
            if (segments[i].position != last.position || segments[i].content == last.content) continue;
            const std::pair found(timeline, last.position);
            if (several.empty() || several.back() != found) several.push_back(found);
        }
    }
    return several;
}

UsableWal usable_wal(const HeldSegments& held, const SettledSegments& settled, std::uint64_t segment_size,
                     const HeldSegments& partials, const SegmentPlaces& divergent,
                     const PartialReach& reach) {
    UsableWal usable{segment_size, {}, {}, {}, {}};
    const auto several = several_contents(partials);
    const std::set<std::pair<std::uint32_t, std::uint64_t>> several_places(several.begin(), several.end());
    for (const auto& [timeline, segments] : partials) {
        for (const HeldSegment& segment : segments) {
            const auto number = segment_number(segment.position, segment_size);
            const std::pair place(timeline, segment.position);
            const auto known = reach.find(place);
            if (!number || (known == reach.end() && several_places.contains(place))) continue;
            usable.partials[timeline][*number] = known == reach.end() ? UINT64_MAX : known->second;
        }
    }
    for (const auto& [timeline, unsorted] : held) {
        auto segments = unsorted;
        std::sort(segments.begin(), segments.end());
        SegmentRuns& runs = usable.timelines[timeline];
        for (auto begin = segments.begin(); begin != segments.end();) {
            const auto end = std::find_if(begin, segments.end(), [&](const HeldSegment& segment) {
                return segment.position != begin->position;
            });
            const auto number = segment_number(begin->position, segment_size);
            const auto chosen = settled.find({timeline, begin->position});
            // As archive-get decides: a settled content counts even where only another one can be seen.
            const bool good =
                chosen == settled.end()
                    ? begin->content == std::prev(end)->content
                    : chosen->second.size() == 1 && std::any_of(begin, end, [&](const HeldSegment& segment) {
                          return segment.content == *chosen->second.begin();
                      });
            if (number && good) runs.add(*number);
            const bool diverges = number && !good && divergent.contains({timeline, begin->position});
            if (diverges) usable.divergent[timeline].insert(*number);
            if (number && !good && !diverges) usable.conflicts.push_back(usable.name(timeline, *number).text);
            begin = end;
        }
    }
    return usable;
}

}  // namespace walferry::archive
