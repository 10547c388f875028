#include "maintenance/expire/kept_wal.hpp"

#include <algorithm>
#include <tuple>

#include "common/settings/retention.hpp"

namespace walferry::expire {
namespace {

/// A backup's WAL begins with a checkpoint, and no two of those lie further apart (checkpoint_timeout).
constexpr std::chrono::days checkpoint_age{1};

/// A segment of a timeline whose history cannot be read may be where a backup of an earlier one leads to.
std::optional<std::uint64_t> first_held(const StoredCluster& cluster, std::uint32_t timeline) {
    const auto before = [](const WalFile& file, std::uint32_t wanted) { return file.timeline < wanted; };
    auto file = std::lower_bound(cluster.wal.begin(), cluster.wal.end(), timeline, before);
    while (file != cluster.wal.end() && file->timeline == timeline && file->kind == WalKind::history) ++file;
    if (file == cluster.wal.end() || file->timeline != timeline) return std::nullopt;
    return file->number;
}

}  // namespace

std::uint32_t KeptWal::reason(const std::string& why) {
    const auto [at, added] = known_.try_emplace(why, static_cast<std::uint32_t>(reasons_.size()));
    if (added) reasons_.push_back(why);
    return at->second;
}

void KeptWal::keep(const WalRun& run, const std::string& why) {
    ranges_[run.timeline].push_back({run.first, run.last, reason(why)});
}

void KeptWal::keep_put_between(WallTime from, WallTime to, const std::string& why) {
    times_.push_back({from, to, reason(why)});
}

void KeptWal::keep_from(std::uint64_t number, const std::string& why) {
    from_.push_back({number, reason(why)});
}

void KeptWal::finish() {
    for (auto& [timeline, ranges] : ranges_) {
        std::stable_sort(ranges.begin(), ranges.end(),
                         [](const Range& a, const Range& b) { return a.first < b.first; });
        std::vector<Range> disjoint;
        for (Range range : ranges) {
            if (!disjoint.empty() && disjoint.back().last >= range.first) {
                if (disjoint.back().last >= range.last) continue;
                range.first = disjoint.back().last + 1;
            }
            disjoint.push_back(range);
        }
        ranges = std::move(disjoint);
    }
}

std::optional<std::uint32_t> KeptWal::find(const WalFile& file) const {
    if (file.kind == WalKind::history) return 0;
    if (const auto ranges = ranges_.find(file.timeline); ranges != ranges_.end()) {
        const auto after =
            std::upper_bound(ranges->second.begin(), ranges->second.end(), file.number,
                             [](std::uint64_t number, const Range& range) { return number < range.first; });
        if (after != ranges->second.begin() && std::prev(after)->last >= file.number)
            return std::prev(after)->why;
    }
    for (const From& from : from_) {
        if (file.number >= from.number) return from.why;
    }
    for (const Times& times : times_) {
        if (file.modified >= times.from && file.modified <= times.to) return times.why;
    }
    return std::nullopt;
}

KeptWal keep_wal(const StoredCluster& cluster, const std::vector<TimelinePath>& paths,
                 const KeptBackups& kept, const std::vector<Begin>& running) {
    KeptWal wal;
    for (const std::size_t i : kept.leading) {
        const Backup& backup = cluster.backups[i];
        const std::string why = "recovery goes on through it from backup " + backup.id.text;
        for (const TimelinePath& path : paths) {
            if (path.may_lead_from(backup)) {
                for (const WalRun& run : path.wal_from(backup)) wal.keep(run, why);
            } else if (!path.known && path.timeline() > backup.timeline) {
                const auto first = first_held(cluster, path.timeline());
                if (first && *first >= backup.first)
                    wal.keep({path.timeline(), 0, UINT64_MAX}, "perhaps " + why);
            }
        }
    }
    for (const KeptBackups::Stay& stay : kept.stays) wal.keep(stay.wal, stay.why);
    for (std::size_t i = 0; i < cluster.backups.size(); ++i) {
        const Backup& backup = cluster.backups[i];
        if (kept.why[i].empty()) continue;
        if (backup.indexed)
            wal.keep({backup.timeline, backup.first, backup.last}, "backup " + backup.id.text + " needs it");
        else
            wal.keep_put_between(backup.started - max_backup, backup.put + max_backup,
                                 "backup " + backup.id.text + ", which has no index, may need it");
    }
    for (const Begin& begin : running) {
        const std::string why = "backup " + begin.id.text + " is under way and may need it";
        if (begin.first)
            wal.keep_from(*begin.first, why);
        else
            wal.keep_put_between(begin.made - checkpoint_age, WallTime::max(), why);
    }
    wal.finish();
    return wal;
}

}  // namespace walferry::expire
