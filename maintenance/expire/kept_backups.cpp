#include "maintenance/expire/kept_backups.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "maintenance/expire/reachability.hpp"

namespace walferry::expire {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;
using std::chrono::year_month_day;

/// The first day of the period that a moment lies in: what the backups of one period have in common.
using PeriodStart = std::function<sys_days(sys_days)>;

sys_days week_of(sys_days day) {
    return day - (std::chrono::weekday(day) - std::chrono::Monday);
}

sys_days month_of(sys_days day) {
    const year_month_day date(day);
    return sys_days(date.year() / date.month() / 1);
}

sys_days year_of(sys_days day) {
    return sys_days(year_month_day(day).year() / std::chrono::January / 1);
}

std::string date_text(sys_days day) {
    return format_time(WallTime(day)).substr(0, 10);
}

std::string timeline_text(std::uint32_t timeline) {
    return "timeline " + std::to_string(timeline);
}

class Choice {
  public:
    Choice(const StoredCluster& cluster, const std::vector<TimelinePath>& paths,
           const std::vector<std::string>& uncounted, const Retention& retention, const Window& window)
        : cluster_(cluster),
          backups_(cluster.backups),
          paths_(paths),
          uncounted_(uncounted),
          retention_(retention),
          window_(window),
          wal_(cluster) {
        kept_.why.resize(backups_.size());
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            real_.push_back(uncounted_[i].empty() && wal_.restorable(backups_[i]));
            ended_.push_back(std::max(backups_[i].stopped, wal_.put_last(backups_[i])));
        }
    }

    KeptBackups choose(WallTime now) {
        keep_what_does_not_count();
        keep_held(now);
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            if (backups_[i].labelled && ended_[i] >= window_.start) keep(i, "within the recovery window");
        }
        for (const TimelinePath& path : paths_) {
            if (!touched(path)) continue;
            keep_window(path);
            keep_newest(path);
        }
        keep_newest_of_all();
        keep_periods(retention_.daily, "daily: the newest of ", [](sys_days day) { return day; });
        keep_periods(retention_.weekly, "weekly: the newest of the week from ", week_of);
        keep_periods(retention_.monthly, "monthly: the newest of the month from ", month_of);
        keep_periods(retention_.yearly, "yearly: the newest of the year from ", year_of);
        return std::move(kept_);
    }

  private:
    void keep(std::size_t backup, const std::string& why) {
        if (kept_.why[backup].empty()) kept_.why[backup] = why;
    }

    void lead(std::size_t backup) {
        if (std::find(kept_.leading.begin(), kept_.leading.end(), backup) == kept_.leading.end())
            kept_.leading.push_back(backup);
    }

    void keep_what_does_not_count() {
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            if (!backups_[i].labelled) continue;
            if (!backups_[i].indexed)
                keep(i, "it has no index that says what it needs, so it cannot be judged");
            else if (!uncounted_[i].empty())
                keep(i, "it does not count: " + uncounted_[i]);
        }
    }

    void keep_held(WallTime now) {
        for (const Hold& hold : cluster_.holds) {
            if (hold.until && *hold.until <= now) continue;
            for (std::size_t i = 0; i < backups_.size(); ++i) {
                if (backups_[i].id != hold.backup || !backups_[i].labelled) continue;
                const std::string until = hold.until ? " until " + format_time(*hold.until) : "";
                keep(i, "held" + until + ": " + hold.reason);
            }
        }
    }

    /// Something of the timeline itself came into the store within the window.
    bool touched(const TimelinePath& path) const {
        if (wal_.newest(path.timeline()) >= window_.start) return true;
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            if (backups_[i].timeline == path.timeline() && uncounted_[i].empty() && backups_[i].labelled &&
                ended_[i] >= window_.start)
                return true;
        }
        return false;
    }

    /// The backups that fit, the last along the WAL first.
    template <class Fits>
    std::vector<std::size_t> from_the_last(Fits fits) const {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            if (fits(i)) found.push_back(i);
        }
        std::sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) {
            const auto place = [&](std::size_t i) {
                return std::tuple(backups_[i].last, backups_[i].first, backups_[i].stopped, backups_[i].id);
            };
            return place(a) > place(b);
        });
        return found;
    }

    void keep_window(const TimelinePath& path) {
        const auto before =
            from_the_last([&](std::size_t i) { return real_[i] && ended_[i] < window_.start; });
        for (const std::size_t i : before) {
            if (!wal_.reaches(backups_[i], path, window_.start)) continue;
            keep(i, "the recovery window on " + timeline_text(path.timeline()) + " begins with it");
            return lead(i);
        }
        keep_all(path);
    }

    /// No backup is older than the window: what is there of the path stays.
    void keep_all(const TimelinePath& path) {
        const std::string of = timeline_text(path.timeline());
        bool any = false;
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            if (!backups_[i].indexed || !backups_[i].labelled || !path.may_lead_from(backups_[i])) continue;
            keep(i, "no backup that can be restored along " + of + " is older than the recovery window");
            lead(i);
            any = any || (real_[i] && path.leads_from(backups_[i]));
        }
        if (!any) {
            for (const WalRun& stretch : path.stretches)
                kept_.stays.push_back({stretch, "no backup can be restored along " + of});
        }
        if (!path.known) keep_up_to(path.timeline());
    }

    /// A backup of any earlier timeline may lead to it.
    void keep_up_to(std::uint32_t timeline) {
        const std::string why = "the history of " + timeline_text(timeline) +
                                " cannot be read here, and no backup on it is older than the recovery window";
        kept_.notes.push_back(why + ": nothing of it and of the timelines before it expires");
        std::set<std::uint32_t> earlier;
        for (const TimelinePath& path : paths_) {
            if (path.timeline() <= timeline && earlier.insert(path.timeline()).second)
                kept_.stays.push_back({{path.timeline(), 0, UINT64_MAX}, why});
        }
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            if (backups_[i].indexed && backups_[i].labelled && backups_[i].timeline < timeline) keep(i, why);
        }
    }

    std::string newest_text() const { return "one of the newest " + std::to_string(retention_.keep_backups); }

    void keep_newest(const TimelinePath& path) {
        auto newest = from_the_last([&](std::size_t i) { return real_[i] && path.leads_from(backups_[i]); });
        newest.resize(std::min(newest.size(), static_cast<std::size_t>(retention_.keep_backups)));
        for (const std::size_t i : newest)
            keep(i, newest_text() + " along " + timeline_text(path.timeline()));
    }

    /// In the order of time: there may be no path that the window touches.
    std::vector<std::size_t> newest_first() const {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < backups_.size(); ++i) {
            if (real_[i]) order.push_back(i);
        }
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return std::tie(backups_[a].stopped, backups_[a].id) >
                   std::tie(backups_[b].stopped, backups_[b].id);
        });
        return order;
    }

    void keep_newest_of_all() {
        auto newest = newest_first();
        newest.resize(std::min(newest.size(), static_cast<std::size_t>(retention_.keep_backups)));
        for (const std::size_t i : newest) keep(i, newest_text());
    }

    /// The newest backup of each of the last `count` periods that have one beyond the window.
    void keep_periods(int count, const std::string& why, const PeriodStart& start) {
        std::set<sys_days> periods;
        for (const std::size_t i : newest_first()) {
            if (ended_[i] >= window_.start) continue;
            const sys_days period = start(floor<days>(backups_[i].stopped));
            if (periods.contains(period)) continue;
            if (periods.size() == static_cast<std::size_t>(count)) return;
            periods.insert(period);
            keep(i, why + date_text(period));
        }
    }

    const StoredCluster& cluster_;
    const std::vector<Backup>& backups_;
    const std::vector<TimelinePath>& paths_;
    const std::vector<std::string>& uncounted_;
    const Retention& retention_;
    const Window window_;
    const Reachability wal_;
    std::vector<bool> real_;  // it counts and can be restored
    /// By its label, or by when the store got the WAL that it ended in: the later of the two, because a
    /// server whose clock was behind would end the window before its time.
    std::vector<WallTime> ended_;
    KeptBackups kept_;
};

}  // namespace

KeptBackups keep_backups(const StoredCluster& cluster, const std::vector<TimelinePath>& paths,
                         const std::vector<std::string>& uncounted, const Retention& retention,
                         const Window& window, WallTime now) {
    return Choice(cluster, paths, uncounted, retention, window).choose(now);
}

}  // namespace walferry::expire
