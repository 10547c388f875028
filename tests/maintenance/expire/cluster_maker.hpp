#pragma once
#include <algorithm>
#include <string>
#include <utility>

#include "maintenance/expire/plan.hpp"

namespace walferry::expire {

inline constexpr std::uint64_t test_segment_size = 16 << 20;

inline WallTime day(double number) {
    return WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)) +
           std::chrono::milliseconds(static_cast<std::int64_t>(number * 86'400'000));
}

/// A store's listing, told in days: segment 10 * D of a timeline is written on day D.
struct ClusterMaker {
    StoredCluster cluster;
    Retention retention;
    Clock clock;

    ClusterMaker() {
        cluster.segment_size = test_segment_size;
        retention.recovery_window = std::chrono::days(10);
        retention.keep_backups = 1;
    }

    /// Segments of the days [from, to).
    void wal(std::uint32_t timeline, double from, double to, std::uint64_t content = 7) {
        for (auto n = static_cast<std::uint64_t>(from * 10 + 0.5);
             n < static_cast<std::uint64_t>(to * 10 + 0.5); ++n)
            file(timeline, n, day(static_cast<double>(n) / 10), WalKind::segment, content);
    }

    void file(std::uint32_t timeline, std::uint64_t number, WallTime modified,
              WalKind kind = WalKind::segment, std::uint64_t content = 7) {
        WalFile file;
        file.number = number;
        file.content = content;
        file.modified = modified;
        file.timeline = timeline;
        file.size = 1000;
        file.kind = kind;
        cluster.wal.push_back(file);
    }

    void history(std::uint32_t timeline, std::uint32_t parent, double left) {
        const auto lsn = static_cast<std::uint64_t>(left * 10 + 0.5) * test_segment_size + 4096;
        TimelineHistory history = TimelineHistory::root(parent);
        for (const TimelineHistory& known : cluster.histories) {
            if (known.timeline == parent) history = known;
        }
        history.timeline = timeline;
        history.spans.back().end = lsn;
        history.spans.push_back({timeline, lsn, TimelineSpan::open_end});
        cluster.histories.push_back(history);
    }

    std::uint32_t object(const std::string& key, WallTime modified) {
        cluster.objects.push_back({key, 50, modified});
        return static_cast<std::uint32_t>(cluster.objects.size() - 1);
    }

    /// Started that day, with two segments of WAL and a piece of its own.
    Backup& backup(const std::string& id, double when, std::uint32_t timeline = 1) {
        Backup backup;
        backup.id.text = id;
        backup.indexed = backup.labelled = backup.counted = true;
        backup.timeline = timeline;
        backup.first = static_cast<std::uint64_t>(when * 10 + 0.5);
        backup.last = backup.first + 1;
        backup.started = day(when);
        backup.stopped = day(when + 0.12);
        backup.put = day(when + 0.15);
        backup.objects = {object("piece/" + id, day(when))};
        cluster.backups.push_back(backup);
        return cluster.backups.back();
    }

    Backup& of(const std::string& id) {
        return *std::find_if(cluster.backups.begin(), cluster.backups.end(),
                             [&](const Backup& backup) { return backup.id.text == id; });
    }

    Mark& mark(WallTime made) {
        Mark mark;
        mark.made = made;
        mark.policy = retention.policy();
        mark.writer = "keeper";
        cluster.marks.push_back(mark);
        return cluster.marks.back();
    }

    void mark_backup(const std::string& id, WallTime made) { mark(made).backup = BackupId{id}; }

    /// What a run at that time marks.
    void mark_all(double when) {
        const Plan plan = at(when);
        for (std::size_t i = 0; i < plan.backups.size(); ++i) {
            if (plan.backups[i].fate == Fate::mark) mark(day(when)).backup = cluster.backups[i].id;
        }
        Mark wal, keys;
        for (std::size_t i = 0; i < plan.wal.size(); ++i) {
            const WalFile& file = cluster.wal[i];
            if (plan.wal[i].fate == Fate::mark) wal.wal.push_back({file.timeline, file.number, file.number});
        }
        for (std::size_t i = 0; i < plan.objects.size(); ++i) {
            if (plan.objects[i].fate == Fate::mark) keys.keys.push_back(cluster.objects[i].key);
        }
        std::sort(keys.keys.begin(), keys.keys.end());
        if (!wal.wal.empty()) mark(day(when)).wal = wal.wal;
        if (!keys.keys.empty()) mark(day(when)).keys = keys.keys;
    }

    Plan at(double when) {
        std::stable_sort(cluster.wal.begin(), cluster.wal.end(), [](const WalFile& a, const WalFile& b) {
            return std::pair(a.timeline, a.number) < std::pair(b.timeline, b.number);
        });
        clock.now = day(when);
        return make_plan(cluster, retention, clock);
    }

    Fate fate(const Plan& plan, const std::string& id) const { return decision(plan, id).fate; }
    const Decision& decision(const Plan& plan, const std::string& id) const {
        for (std::size_t i = 0; i < cluster.backups.size(); ++i) {
            if (cluster.backups[i].id.text == id) return plan.backups[i];
        }
        throw std::out_of_range(id);
    }
    /// Of the segments of that day.
    Fate wal_fate(const Plan& plan, std::uint32_t timeline, double when) const {
        for (std::size_t i = 0; i < cluster.wal.size(); ++i) {
            const WalFile& file = cluster.wal[i];
            if (file.timeline == timeline && file.number == static_cast<std::uint64_t>(when * 10 + 0.5) &&
                file.kind != WalKind::history)
                return plan.wal[i].fate;
        }
        throw std::out_of_range("segment");
    }
    Fate object_fate(const Plan& plan, const std::string& key) const {
        for (std::size_t i = 0; i < cluster.objects.size(); ++i) {
            if (cluster.objects[i].key == key) return plan.objects[i].fate;
        }
        throw std::out_of_range(key);
    }
};

}  // namespace walferry::expire
