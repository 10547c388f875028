#include "maintenance/expire/timeline_paths.hpp"

#include <algorithm>
#include <set>

namespace walferry::expire {
namespace {

constexpr std::uint32_t first_timeline = 1;

TimelinePath path_of(const TimelineHistory& history, bool known, std::uint64_t segment_size) {
    TimelinePath path{history, known, {}};
    for (const TimelineSpan& span : history.spans) {
        const bool open = span.end == TimelineSpan::open_end;
        path.stretches.push_back(
            {span.timeline, span.begin / segment_size, open ? UINT64_MAX : span.end / segment_size});
    }
    return path;
}

}  // namespace

bool TimelinePath::leads_from(const Backup& backup) const noexcept {
    return std::any_of(stretches.begin(), stretches.end(), [&](const WalRun& stretch) {
        return stretch.timeline == backup.timeline && stretch.first <= backup.first &&
               backup.last < stretch.last;
    });
}

bool TimelinePath::may_lead_from(const Backup& backup) const noexcept {
    return std::any_of(stretches.begin(), stretches.end(), [&](const WalRun& stretch) {
        return stretch.timeline == backup.timeline && stretch.first <= backup.first &&
               backup.last <= stretch.last;
    });
}

std::vector<WalRun> TimelinePath::wal_from(const Backup& backup) const {
    const auto own = std::find_if(stretches.begin(), stretches.end(),
                                  [&](const WalRun& stretch) { return stretch.timeline == backup.timeline; });
    std::vector<WalRun> wal(own, stretches.end());
    if (!wal.empty()) wal.front().first = std::max(wal.front().first, backup.first);
    return wal;
}

std::vector<TimelinePath> find_paths(const StoredCluster& cluster) {
    std::set<std::uint32_t> timelines;
    for (const WalFile& file : cluster.wal) {
        if (timelines.empty() || *timelines.rbegin() != file.timeline) timelines.insert(file.timeline);
    }
    for (const Backup& backup : cluster.backups) {
        if (backup.indexed) timelines.insert(backup.timeline);
    }
    std::vector<TimelinePath> paths;
    for (const TimelineHistory& history : cluster.histories) {
        timelines.erase(history.timeline);
        paths.push_back(path_of(history, true, cluster.segment_size));
    }
    for (const std::uint32_t timeline : timelines) {
        paths.push_back(
            path_of(TimelineHistory::root(timeline), timeline == first_timeline, cluster.segment_size));
    }
    std::stable_sort(paths.begin(), paths.end(), [](const TimelinePath& a, const TimelinePath& b) {
        return a.timeline() < b.timeline();
    });
    return paths;
}

}  // namespace walferry::expire
