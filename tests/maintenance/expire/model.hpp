#pragma once
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "maintenance/expire/plan.hpp"

namespace walferry::expire::model {

using Segment = std::pair<std::uint32_t, std::uint64_t>;  // timeline and number

inline std::string name_of(const Segment& segment) {
    return std::to_string(segment.first) + "/" + std::to_string(segment.second);
}

/// What the cluster really did: the planner sees of it only what a listing shows.
struct Truth {
    struct Timeline {
        std::uint32_t parent = 0;  // 0: the first one
        std::uint64_t fork = 0;    // its first segment, and its parent's last one on the way to it
        std::uint64_t next = 0;    // where it goes on
        bool readable = true;      // its history file can be read here
    };
    std::map<std::uint32_t, Timeline> timelines;
    std::map<Segment, WallTime> written;

    /// From the first timeline to this one.
    std::vector<std::uint32_t> lineage(std::uint32_t timeline) const;
    /// The timeline that a recovery to `timeline` takes the segment from; 0: that one lies on no way.
    std::uint32_t source(std::uint32_t timeline, std::uint64_t number) const;
    /// The last segment of `of` that a recovery to `timeline` can need.
    std::uint64_t left_at(std::uint32_t of, std::uint32_t timeline) const;
};

/// A store and the truth behind it, which one random step after the other changes. Everything the model says
/// is found by going through all segments one by one.
class World {
  public:
    explicit World(std::uint64_t seed);

    /// Something happens. True: expire should run now.
    bool step();

    Clock clock() const { return clock_; }
    /// As one store's listing shows it.
    const StoredCluster& listing();
    const Retention& retention() const { return policies_[policy_]; }

    /// What must hold of the plan; throws std::runtime_error with a sentence where it does not.
    void check(const Plan& plan);
    /// Does what the plan says, and stops anywhere. Then checks what is left.
    void carry_out(const Plan& plan);

    std::size_t exact() const noexcept { return exact_; }      // plans of which every decision was predicted
    std::size_t removed() const noexcept { return removed_; }  // backups and WAL files

  private:
    std::uint64_t random(std::uint64_t below);
    bool chance(int percent) { return random(100) < static_cast<std::uint64_t>(percent); }
    void pass(std::chrono::minutes time) { now_ += time; }
    void archive(std::uint32_t timeline, std::uint64_t count);
    void make_backup(std::uint32_t timeline);
    void fork(bool stray);
    void hold_or_release();
    void lose();
    void put_late();
    void put_again();
    void unmark(const std::string& thing);
    std::uint32_t add_object(const std::string& key);

    bool visible_history(std::uint32_t timeline) const;
    bool counts(const Backup& backup) const;
    bool restorable(const Backup& backup) const;
    WallTime ended(const Backup& backup) const;
    bool under_way(const Begin& begin) const;
    bool held(const Backup& backup) const;
    /// The segments to whose end a recovery from this backup leads.
    std::set<Segment> reach(const Backup& backup) const;
    std::set<Segment> reachable(WallTime since) const;
    bool leads(const Backup& backup, std::uint32_t timeline, bool perhaps) const;
    std::set<Segment> present() const;
    std::vector<const Backup*> real() const;
    std::optional<Window> window() const;

    struct Expected {
        bool exact = true;
        std::set<std::string> backups;
        std::set<Segment> wal;
    };
    Expected expected(const Window& window) const;
    void expect_path(Expected& all, std::uint32_t timeline, const Window& window) const;
    void expect_periods(Expected& all, const Window& window) const;
    void expect_led(Expected& all, const Backup& backup) const;
    void check_marks(const Plan& plan);
    void put_marks(const Plan& plan);
    void remove(const Plan& plan);

    std::mt19937_64 random_;
    WallTime now_;
    Clock clock_;
    Truth truth_;
    StoredCluster store_;                // objects that left it keep their places
    StoredCluster listed_;               // what the planner got
    std::vector<std::uint32_t> places_;  // of listed_.objects in store_
    std::uint32_t current_ = 1;
    std::uint32_t stray_ = 0;
    std::uint32_t serial_ = 0;
    std::vector<Retention> policies_;
    std::size_t policy_ = 0;
    std::set<std::uint32_t> gone_;
    /// Since when each thing is marked without a break, by policy.
    std::map<std::pair<std::string, std::string>, WallTime> marked_;
    std::size_t exact_ = 0, removed_ = 0;
};

}  // namespace walferry::expire::model
