#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/wal/timeline_history.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

/// How a WAL file lies to the place where its timeline was left for a later one. What hosts wrote behind that
/// place may differ between them, and no recovery to a later timeline replays it.
struct Departure {
    enum class Kind {
        none,     // all of it lies before every such place, or the timeline was never left
        within,   // only its part before `at` is replayed on the way to timeline `by`
        before,   // the timeline had been left when this file begins
        perhaps,  // timeline `by` may have left it there: its history cannot be read here
    };
    Kind kind = Kind::none;
    std::uint64_t at = 0;  // within, before
    std::uint32_t by = 0;
};

/// Where timelines were left, as far as this host can tell.
class Forks {
  public:
    void add(const TimelineHistory& history);
    /// A timeline whose history cannot be read here, and where the first segment that the archive has of it
    /// begins.
    void add_unread(std::uint32_t timeline, std::optional<std::uint64_t> first);

    /// The timeline is in use at a position, whatever was forked from it before: a base backup starts there,
    /// or a primary writes there. What lies behind such a fork is not over.
    void add_in_use(std::uint32_t timeline, std::uint64_t position);

    /// A timeline may be left more than once: only what lies behind the last place counts as behind it,
    /// because the way to another timeline may lead over the rest. Where it is in use behind that place, it
    /// was not left. A .partial is what a host had when it left the timeline in that segment, so only what
    /// lies before the first such place is the same in each, whoever uses the timeline further on.
    Departure departure(const WalName& name, std::uint64_t segment_size) const;

    /// Where a timeline was left behind `begin` and before `end`, in ascending order.
    std::vector<std::uint64_t> places_within(std::uint32_t timeline, std::uint64_t begin,
                                             std::uint64_t end) const;

  private:
    std::optional<Departure> first_within(std::uint32_t timeline, std::uint64_t begin,
                                          std::uint64_t end) const;

    std::vector<TimelineHistory> histories_;
    std::map<std::uint32_t, std::optional<std::uint64_t>> unread_;
    std::map<std::uint32_t, std::uint64_t> in_use_;
};

/// A primary's position, which goes on.
constexpr std::uint64_t in_use_now = UINT64_MAX;

/// "0/5000028, where timeline 2 began", "a place that only the history of timeline 2 tells, which …".
std::string describe(const Departure& departure);

}  // namespace walferry::archive
