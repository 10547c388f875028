#include "archive/forks.hpp"

#include <algorithm>
#include <set>

#include "common/wal/lsn.hpp"

namespace walferry::archive {

void Forks::add(const TimelineHistory& history) {
    histories_.push_back(history);
    unread_.erase(history.timeline);
}

void Forks::add_unread(std::uint32_t timeline, std::optional<std::uint64_t> first) {
    const bool known = std::any_of(histories_.begin(), histories_.end(), [&](const TimelineHistory& history) {
        return history.timeline == timeline;
    });
    if (known) return;
    auto& earliest = unread_.try_emplace(timeline, first).first->second;
    if (first && (!earliest || *first < *earliest)) earliest = first;
}

void Forks::add_in_use(std::uint32_t timeline, std::uint64_t position) {
    std::uint64_t& last = in_use_[timeline];
    last = std::max(last, position);
}

std::vector<std::uint64_t> Forks::places_within(std::uint32_t timeline, std::uint64_t begin,
                                                std::uint64_t end) const {
    std::set<std::uint64_t> places;
    for (const TimelineHistory& history : histories_) {
        for (const TimelineSpan& span : history.spans) {
            const bool leaves = span.timeline == timeline && span.timeline != history.timeline;
            if (leaves && span.end > begin && span.end < end) places.insert(span.end);
        }
    }
    return {places.begin(), places.end()};
}

std::optional<Departure> Forks::first_within(std::uint32_t timeline, std::uint64_t begin,
                                             std::uint64_t end) const {
    const std::vector<std::uint64_t> places = places_within(timeline, begin, end);
    if (places.empty()) return std::nullopt;
    Departure first{Departure::Kind::within, places.front(), UINT32_MAX};
    for (const TimelineHistory& history : histories_) {
        for (const TimelineSpan& span : history.spans) {
            if (span.timeline == timeline && span.end == first.at)
                first.by = std::min(first.by, history.timeline);
        }
    }
    return first;
}

Departure Forks::departure(const WalName& name, std::uint64_t segment_size) const {
    if (segment_size == 0 || !name.has_header()) return {};
    const auto start = name.start_lsn(segment_size);
    if (!start) return {};
    if (name.kind == WalKind::partial) {
        if (const auto first = first_within(name.timeline, *start, *start + segment_size)) return *first;
    }
    Departure last;
    bool left = false;
    for (const TimelineHistory& history : histories_) {
        for (const TimelineSpan& span : history.spans) {
            if (span.timeline != name.timeline || span.timeline == history.timeline) continue;
            if (left && span.end <= last.at) continue;
            left = true;
            last.at = span.end;
            last.by = history.timeline;
        }
    }
    const auto in_use = in_use_.find(name.timeline);
    const std::uint64_t used = in_use == in_use_.end() ? 0 : in_use->second;
    if (used == in_use_now) return {};
    if (left && last.at < *start + segment_size && used <= last.at) {
        last.kind = last.at <= *start ? Departure::Kind::before : Departure::Kind::within;
        return last;
    }
    for (const auto& [timeline, first] : unread_) {
        // It was left before its end at the latest: the later timeline's first segment holds the place.
        const bool goes_on = first && used >= *first + segment_size;
        if (timeline > name.timeline && !goes_on && first.value_or(*start) <= *start)
            return {Departure::Kind::perhaps, 0, timeline};
    }
    return {};
}

std::string describe(const Departure& departure) {
    const std::string timeline = "timeline " + std::to_string(departure.by);
    if (departure.kind == Departure::Kind::perhaps)
        return "a place that only the history of " + timeline + " tells, which cannot be read here";
    return format_lsn(departure.at) + ", where " + timeline + " began";
}

}  // namespace walferry::archive
