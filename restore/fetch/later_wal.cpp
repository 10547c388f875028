#include "restore/fetch/later_wal.hpp"

#include <algorithm>
#include <cstdio>

#include "common/wal/lsn.hpp"

namespace walferry::fetch {
namespace {

constexpr std::uint64_t smallest_segment = std::uint64_t{1} << 20;

std::string history_name(std::uint32_t timeline) {
    char text[32];
    std::snprintf(text, sizeof text, "%08X.history", timeline);
    return text;
}

/// Where the history's way leaves that timeline; nullopt where it never was on it.
std::optional<std::uint64_t> left_at(const TimelineHistory& history, std::uint32_t timeline) {
    for (const TimelineSpan& span : history.spans) {
        if (span.timeline == timeline && timeline != history.timeline) return span.end;
    }
    return std::nullopt;
}

std::uint64_t start_of(const Missing& missing) {
    const std::uint64_t size = missing.segment_size == 0 ? smallest_segment : missing.segment_size;
    return (std::uint64_t{missing.name.log} << 32) + missing.name.seg * size;
}

std::optional<std::string> by_history(const Missing& missing, const TimelineHistory& history,
                                      std::uint64_t reached) {
    const auto left = left_at(history, missing.name.timeline);
    if (!left) return std::nullopt;
    if (missing.name.kind == WalKind::segment && *left <= reached) return std::nullopt;
    return history_name(history.timeline) + " (by which timeline " + std::to_string(missing.name.timeline) +
           " was left at " + format_lsn(*left) + ")";
}

}  // namespace

std::optional<std::string> later_elsewhere(const Missing& missing, const TimelineSights& seen,
                                           std::optional<std::uint64_t> reached) {
    const std::uint32_t own = missing.name.timeline;
    if (missing.name.kind == WalKind::history && own <= missing.own_timeline) return std::nullopt;
    for (const auto& [timeline, sight] : seen) {
        if (timeline <= own) continue;
        for (const TimelineHistory& history : sight.histories) {
            if (auto later = by_history(missing, history, reached.value_or(start_of(missing)))) return later;
        }
        if (sight.history_unusable)
            return history_name(timeline) + " (which cannot be read, so that it may lead on from there)";
        if (sight.histories.empty() && !sight.first.empty() && timeline > missing.own_timeline)
            return sight.first + " (of a timeline whose history file is missing)";
    }
    return std::nullopt;
}

std::optional<std::uint64_t> fork_within(const Missing& missing, const TimelineSights& seen) {
    std::optional<std::uint64_t> fork;
    if (missing.segment_size == 0 || missing.name.kind != WalKind::segment) return fork;
    const std::uint64_t start = start_of(missing);
    for (const auto& [timeline, sight] : seen) {
        for (const TimelineHistory& history : sight.histories) {
            const auto left = left_at(history, missing.name.timeline);
            if (left && *left > start) fork = std::max(fork.value_or(0), *left);
        }
    }
    return fork && *fork < start + missing.segment_size ? fork : std::nullopt;
}

}  // namespace walferry::fetch
