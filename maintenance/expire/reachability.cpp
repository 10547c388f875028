#include "maintenance/expire/reachability.hpp"

#include <algorithm>
#include <tuple>

#include "archive/forks.hpp"

namespace walferry::expire {
namespace {

std::uint64_t position_of(std::uint64_t number, std::uint64_t segment_size) {
    const std::uint64_t per_log = (std::uint64_t{1} << 32) / segment_size;
    return (number / per_log) << 32 | number % per_log;
}

/// Contents of one name may differ from where their timeline was left.
archive::SegmentPlaces divergent_places(const StoredCluster& cluster, const archive::HeldSegments& held) {
    archive::Forks forks;
    for (const TimelineHistory& history : cluster.histories) forks.add(history);
    archive::SegmentPlaces divergent;
    for (const auto& [timeline, position] : archive::several_contents(held)) {
        const std::uint64_t per_log = (std::uint64_t{1} << 32) / cluster.segment_size;
        const std::uint64_t number = (position >> 32) * per_log + (position & 0xffffffff);
        const WalName name =
            WalName::segment_at(timeline, number * cluster.segment_size, cluster.segment_size);
        if (forks.departure(name, cluster.segment_size).kind != archive::Departure::Kind::none)
            divergent.insert({timeline, position});
    }
    return divergent;
}

archive::UsableWal usable_of(const StoredCluster& cluster) {
    archive::HeldSegments segments, partials;
    for (const WalFile& file : cluster.wal) {
        if (file.kind != WalKind::segment && file.kind != WalKind::partial) continue;
        auto& held = file.kind == WalKind::segment ? segments : partials;
        held[file.timeline].push_back({position_of(file.number, cluster.segment_size), file.content});
    }
    return archive::usable_wal(segments, cluster.settled, cluster.segment_size, partials,
                               divergent_places(cluster, segments));
}

/// Its stop lies in its last segment; where, an index does not say.
archive::BackupPoint point_of(const Backup& backup, std::uint64_t segment_size) {
    return {backup.timeline, backup.first * segment_size, backup.last * segment_size + 1};
}

}  // namespace

Reachability::Reachability(const StoredCluster& cluster) : cluster_(cluster), usable_(usable_of(cluster)) {}

bool Reachability::restorable(const Backup& backup) const {
    if (!backup.indexed || !backup.labelled || backup.missing > 0) return false;
    return archive::reach_along({{backup.timeline, 0, TimelineSpan::open_end}},
                                point_of(backup, cluster_.segment_size), usable_, cluster_.histories)
        .consistent;
}

bool Reachability::reaches(const Backup& backup, const TimelinePath& path, WallTime since) const {
    if (!path.leads_from(backup) || !restorable(backup)) return false;
    const auto own = std::find_if(path.history.spans.begin(), path.history.spans.end(),
                                  [&](const TimelineSpan& span) { return span.timeline == backup.timeline; });
    const std::vector<TimelineSpan> way(own, path.history.spans.end());
    const archive::Reach reach =
        archive::reach_along(way, point_of(backup, cluster_.segment_size), usable_, cluster_.histories);
    if (!reach.consistent) return false;
    if (!reach.gap) return true;
    const auto start = reach.last->start_lsn(cluster_.segment_size);
    return start && modified(reach.last->timeline, *start / cluster_.segment_size) >= since;
}

WallTime Reachability::modified(std::uint32_t timeline, std::uint64_t number) const {
    const auto key = std::tuple(timeline, number);
    const auto of = [](const WalFile& file) { return std::tuple(file.timeline, file.number); };
    auto file = std::lower_bound(cluster_.wal.begin(), cluster_.wal.end(), key,
                                 [&](const WalFile& a, const auto& wanted) { return of(a) < wanted; });
    WallTime newest{};
    for (; file != cluster_.wal.end() && of(*file) == key; ++file) {
        if (file->kind == WalKind::segment || file->kind == WalKind::partial)
            newest = std::max(newest, file->modified);
    }
    return newest;
}

WallTime Reachability::newest(std::uint32_t timeline) const {
    const auto before = [](const WalFile& a, std::uint32_t wanted) { return a.timeline < wanted; };
    WallTime newest{};
    for (auto file = std::lower_bound(cluster_.wal.begin(), cluster_.wal.end(), timeline, before);
         file != cluster_.wal.end() && file->timeline == timeline; ++file) {
        if (file->kind == WalKind::segment || file->kind == WalKind::partial)
            newest = std::max(newest, file->modified);
    }
    return newest;
}

}  // namespace walferry::expire
