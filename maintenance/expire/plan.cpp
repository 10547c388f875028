#include "maintenance/expire/plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/error.hpp"
#include "maintenance/expire/kept_wal.hpp"
#include "maintenance/expire/marked.hpp"

namespace walferry::expire {
namespace {

/// How far the clocks of a server and of a store may lie apart before one of the two is not believed.
constexpr std::chrono::hours clock_difference{1};

/// A label's time places a backup among the others, so it has to agree with when the store got it.
std::string why_not_counted(const Backup& backup) {
    if (!backup.indexed || !backup.labelled) return {};
    if (!backup.counted)
        return backup.uncounted.empty() ? "no host of yours is known to have made it" : backup.uncounted;
    // One that came later than it was made was brought from another store.
    if (backup.stopped > backup.put + clock_difference) {
        return "by its label it ended at " + format_time(backup.stopped) + ", but the store got it at " +
               format_time(backup.put);
    }
    return {};
}

/// A begun backup that has neither ended nor come to the age at which it aborts itself.
std::vector<Begin> running(const StoredCluster& cluster, WallTime now) {
    std::vector<Begin> found;
    for (const Begin& begin : cluster.begins) {
        const bool complete =
            std::any_of(cluster.backups.begin(), cluster.backups.end(),
                        [&](const Backup& b) { return b.id == begin.id && b.labelled && b.indexed; });
        if (!complete && now - begin.made < max_backup) found.push_back(begin);
    }
    return found;
}

/// The earlier of now and what the store leads to: while nothing arrives, no history is used up.
std::optional<WallTime> window_end(const StoredCluster& cluster, WallTime now) {
    std::optional<WallTime> newest;
    for (const WalFile& file : cluster.wal) {
        if (file.kind != WalKind::segment && file.kind != WalKind::partial) continue;
        if (!newest || file.modified > *newest) newest = file.modified;
    }
    if (!newest) return std::nullopt;
    return std::min({now, *newest, cluster.recovery_point.value_or(now)});
}

class Planner {
  public:
    Planner(const StoredCluster& cluster, const Retention& retention, WallTime now)
        : cluster_(cluster),
          retention_(retention),
          now_(now),
          running_(running(cluster, now)),
          marked_(cluster, retention.policy()) {}

    Plan plan(const Window& window) {
        plan_.window = window;
        choose(window);
        judge_marks();
        decide_backups();
        decide_objects();
        decide_wal();
        count();
        return std::move(plan_);
    }

  private:
    void choose(const Window& window) {
        std::vector<std::string> uncounted;
        for (const Backup& backup : cluster_.backups) uncounted.push_back(why_not_counted(backup));
        const auto paths = find_paths(cluster_);
        kept_ = keep_backups(cluster_, paths, uncounted, retention_, window, now_);
        for (std::size_t i = 0; i < cluster_.backups.size(); ++i) {
            const Backup& backup = cluster_.backups[i];
            if (!backup.labelled && now_ - backup.put < max_backup)
                kept_.why[i] =
                    "it is under way, or was ended early less than " + format_duration(max_backup) + " ago";
        }
        plan_.notes = kept_.notes;
        name_objects();
        const KeptWal wal = keep_wal(cluster_, paths, kept_, running_);
        for (const std::string& why : wal.reasons()) plan_.wal_reasons.push_back({Fate::keep, why, {}});
        plan_.wal.reserve(cluster_.wal.size());
        for (const WalFile& file : cluster_.wal) {
            const auto why = wal.find(file);
            plan_.wal.push_back(why ? WalDecision{Fate::keep, *why} : WalDecision{Fate::mark, 0});
        }
    }

    /// Which objects no index names, and which of those may go.
    void name_objects() {
        plan_.objects.resize(cluster_.objects.size());
        named_.resize(cluster_.objects.size());
        bool unjudged = false;
        for (const Backup& backup : cluster_.backups) {
            unjudged = unjudged || (backup.labelled && !backup.indexed);
            for (const std::uint32_t object : backup.objects) ++named_.at(object);
        }
        for (std::size_t i = 0; i < cluster_.objects.size(); ++i) {
            if (named_[i] > 0) continue;
            Decision& decision = plan_.objects[i];
            if (now_ - cluster_.objects[i].modified < max_backup)
                decision.why = "no index names it, but a backup may be under way that does";
            else if (!running_.empty())
                decision.why = under_way() + " and may need it";
            else if (unjudged)
                decision.why = "a backup without an index may need it";
            else
                decision = {Fate::mark, "no index names it", {}};
        }
    }

    std::string under_way() const { return "backup " + running_.front().id.text + " is under way"; }

    /// A mark on what is to stay is taken back as a whole: what else it says is marked again, from now on.
    void judge_marks() {
        std::map<std::string, std::uint64_t> others;  // by policy and writer
        std::uint64_t uncounted = 0;
        for (std::size_t i = 0; i < cluster_.marks.size(); ++i) {
            const Mark& mark = cluster_.marks[i];
            if (!mark.counted) {
                ++uncounted;
                continue;
            }
            const auto [covers_any, covers_kept] = judge(i);
            if (!covers_any) plan_.spent.push_back(i);
            if (covers_kept) {
                plan_.withdrawn.push_back(i);
                marked_.withdraw(i);
            }
            if (covers_any && mark.policy != retention_.policy())
                ++others["policy " + mark.policy + " by " + mark.writer];
        }
        for (const auto& [other, number] : others) {
            plan_.notes.push_back(counted(number, "mark was", "marks were") + " made under the " + other +
                                  ": nothing is removed because of them, since the policy here is " +
                                  retention_.policy());
        }
        if (uncounted > 0)
            plan_.notes.push_back(counted(uncounted, "mark counts", "marks count") +
                                  " for nothing: not signed by a trusted writer");
    }

    std::pair<bool, bool> judge(std::size_t mark) const {
        bool any = false;
        bool kept = false;
        const auto see = [&](bool covers, bool stays) {
            any = any || covers;
            kept = kept || (covers && stays);
        };
        const Mark& made = cluster_.marks[mark];
        for (std::size_t i = 0; made.backup && i < cluster_.backups.size(); ++i)
            see(marked_.covers(mark, cluster_.backups[i]), !kept_.why[i].empty());
        for (std::size_t i = 0; !made.keys.empty() && i < cluster_.objects.size(); ++i)
            see(marked_.covers(mark, cluster_.objects[i]), plan_.objects[i].fate == Fate::keep);
        for (const WalRun& run : made.wal) {
            const auto before = [](const WalFile& file, const WalRun& wanted) {
                return std::tie(file.timeline, file.number) < std::tie(wanted.timeline, wanted.first);
            };
            auto file = std::lower_bound(cluster_.wal.begin(), cluster_.wal.end(), run, before);
            for (; file != cluster_.wal.end() && file->timeline == run.timeline && file->number <= run.last;
                 ++file) {
                const auto i = static_cast<std::size_t>(file - cluster_.wal.begin());
                see(marked_.covers(mark, *file), plan_.wal[i].fate == Fate::keep);
            }
        }
        return {any, kept};
    }

    template <class Thing>
    Decision expire(const Thing& thing, const std::string& why) const {
        const auto mark = marked_.find(thing);
        return mark ? by_mark(*mark, why) : Decision{Fate::mark, why, {}};
    }

    Decision by_mark(std::size_t mark, const std::string& why) const {
        const WallTime made = cluster_.marks[mark].made;
        const WallTime until = made + retention_.grace;
        const bool whole = until <= now_;
        return {whole ? Fate::remove : Fate::wait, why + "; marked at " + format_time(made), until};
    }

    void decide_backups() {
        for (std::size_t i = 0; i < cluster_.backups.size(); ++i) {
            const Backup& backup = cluster_.backups[i];
            if (!kept_.why[i].empty()) {
                plan_.backups.push_back({Fate::keep, kept_.why[i], {}});
                continue;
            }
            Decision decision =
                expire(backup, backup.labelled ? "older than the recovery window, and no rule keeps it"
                                               : "it was never completed");
            // A running backup may refer to its pieces.
            if (decision.fate == Fate::remove && !running_.empty()) {
                decision.fate = Fate::wait;
                decision.why += "; " + under_way() + " and may need its pieces";
                decision.until = running_.front().made + max_backup;
            }
            plan_.backups.push_back(std::move(decision));
        }
    }

    void decide_objects() {
        std::vector<std::uint32_t> needed(cluster_.objects.size());
        for (std::size_t i = 0; i < cluster_.backups.size(); ++i) {
            if (plan_.backups[i].fate == Fate::remove) continue;
            for (const std::uint32_t object : cluster_.backups[i].objects) ++needed[object];
        }
        for (std::size_t i = 0; i < cluster_.objects.size(); ++i) {
            Decision& decision = plan_.objects[i];
            if (named_[i] > 0) {
                decision.fate = needed[i] > 0 ? Fate::keep : Fate::remove;
                decision.why =
                    needed[i] > 0 ? "a backup consists of it" : "no backup that stays consists of it";
            } else if (decision.fate == Fate::mark) {
                decision = expire(cluster_.objects[i], decision.why);
            }
        }
    }

    /// What a marked backup needs stays as long as the backup does, whenever it was marked itself: until then
    /// the mark can be taken back.
    KeptWal needed_by_marked() const {
        KeptWal wal;
        for (std::size_t i = 0; i < cluster_.backups.size(); ++i) {
            const Backup& backup = cluster_.backups[i];
            const bool restorable = backup.indexed && backup.labelled;
            if (restorable && plan_.backups[i].fate != Fate::remove) {
                wal.keep({backup.timeline, backup.first, backup.last},
                         "backup " + backup.id.text + " needs it, which is not removed yet");
            }
        }
        wal.finish();
        return wal;
    }

    void decide_wal() {
        const auto add_reason = [&](Decision decision) {
            plan_.wal_reasons.push_back(std::move(decision));
            return static_cast<std::uint32_t>(plan_.wal_reasons.size() - 1);
        };
        const std::string why = "no backup that stays needs it";
        const std::uint32_t unmarked = add_reason({Fate::mark, why, {}});
        const KeptWal needed = needed_by_marked();
        const auto first_needed = static_cast<std::uint32_t>(plan_.wal_reasons.size());
        for (const std::string& each : needed.reasons()) add_reason({Fate::wait, each, {}});
        std::map<std::size_t, std::uint32_t> by_marks;
        for (std::size_t i = 0; i < cluster_.wal.size(); ++i) {
            if (plan_.wal[i].fate == Fate::keep) continue;
            plan_.wal[i].reason = unmarked;
            const auto mark = marked_.find(cluster_.wal[i]);
            if (!mark) continue;
            auto at = by_marks.find(*mark);
            if (at == by_marks.end()) at = by_marks.emplace(*mark, add_reason(by_mark(*mark, why))).first;
            plan_.wal[i] = {plan_.wal_reasons[at->second].fate, at->second};
            if (plan_.wal[i].fate != Fate::remove) continue;
            if (const auto still = needed.find(cluster_.wal[i]))
                plan_.wal[i] = {Fate::wait, first_needed + *still};
        }
    }

    void count() {
        const auto add = [&](Fate fate, std::uint64_t size) {
            Amount& amount = plan_.amounts[static_cast<std::size_t>(fate)];
            ++amount.objects;
            amount.bytes += size;
        };
        for (std::size_t i = 0; i < cluster_.wal.size(); ++i) add(plan_.wal[i].fate, cluster_.wal[i].size);
        // What a marked backup alone consists of will go with it.
        std::vector<Fate> least(cluster_.objects.size(), Fate::remove);
        for (std::size_t i = 0; i < cluster_.backups.size(); ++i) {
            for (const std::uint32_t object : cluster_.backups[i].objects)
                least[object] = std::min(least[object], plan_.backups[i].fate);
        }
        for (std::size_t i = 0; i < cluster_.objects.size(); ++i)
            add(named_[i] > 0 ? least[i] : plan_.objects[i].fate, cluster_.objects[i].size);
    }

    const StoredCluster& cluster_;
    const Retention& retention_;
    const WallTime now_;
    const std::vector<Begin> running_;
    Marked marked_;
    KeptBackups kept_;
    std::vector<std::uint32_t> named_;  // by object: how many backups consist of it
    Plan plan_;
};

/// Nothing is decided: all stays as it is.
Plan blocked(const StoredCluster& cluster, const std::string& why) {
    Plan plan;
    plan.blocked = why;
    plan.backups.assign(cluster.backups.size(), {Fate::keep, why, {}});
    plan.objects.assign(cluster.objects.size(), {Fate::keep, why, {}});
    plan.wal.assign(cluster.wal.size(), {});
    plan.wal_reasons.push_back({Fate::keep, why, {}});
    return plan;
}

}  // namespace

Plan make_plan(const StoredCluster& cluster, const Retention& retention, const Clock& clock) {
    if (!retention.expires()) return blocked(cluster, "no retention is set");
    if (!cluster.trouble.empty()) return blocked(cluster, cluster.trouble);
    if (!clock.doubt.empty()) return blocked(cluster, clock.doubt);
    const bool ascends =
        std::is_sorted(cluster.wal.begin(), cluster.wal.end(), [](const WalFile& a, const WalFile& b) {
            return std::tie(a.timeline, a.number) < std::tie(b.timeline, b.number);
        });
    if (!ascends) throw Error(ErrorKind::internal, "a listing of WAL that is not in order");
    const auto end = window_end(cluster, clock.now);
    if (!end) return blocked(cluster, "the store has no WAL, so it is not known how far it leads");
    return Planner(cluster, retention, clock.now).plan({*end - retention.recovery_window, *end});
}

}  // namespace walferry::expire
