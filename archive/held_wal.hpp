#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/wal/wal_name.hpp"

namespace walferry::archive {

/// A WAL segment as a listing shows it, small, because an archive has millions: where it lies (log << 32 |
/// seg), and the first half of its fingerprint.
struct HeldSegment {
    std::uint64_t position = 0;
    std::uint64_t content = 0;

    // clang-tidy 14 takes the zero that this is compared with for a pointer.
    // NOLINTNEXTLINE(modernize-use-nullptr)
    auto operator<=>(const HeldSegment&) const = default;
};

/// The WAL segments of one store or of several, by timeline, in any order and with repetitions.
using HeldSegments = std::map<std::uint32_t, std::vector<HeldSegment>>;

/// Which content of a name a person has settled: (timeline, position) to the first half of its fingerprint.
using SettledSegments = std::map<std::pair<std::uint32_t, std::uint64_t>, std::set<std::uint64_t>>;

/// The numbers of one timeline's segments, as runs without a hole.
class SegmentRuns {
  public:
    /// In ascending order.
    void add(std::uint64_t number);
    /// The first number from `number` on that is not there; `number` itself where that is missing.
    std::uint64_t end_from(std::uint64_t number) const;
    /// The first number from `number` on that is there.
    std::optional<std::uint64_t> next_from(std::uint64_t number) const;

  private:
    std::vector<std::pair<std::uint64_t, std::uint64_t>> runs_;  // first, and one past the last
};

/// What recovery can use of the segments that are held.
struct UsableWal {
    std::uint64_t segment_size = 0;
    std::map<std::uint32_t, SegmentRuns> timelines;
    /// Where a timeline was left: the number of the segment that is there as .partial, and up to which LSN it
    /// can be of use, where that is known.
    std::map<std::uint32_t, std::map<std::uint64_t, std::uint64_t>> partials;
    /// Segments with several contents that are the same up to where their timeline was left, or lie behind
    /// it: of use only on the way to the timeline that left.
    std::map<std::uint32_t, std::set<std::uint64_t>> divergent;
    /// Names with several contents of which none was settled: recovery stops there.
    std::vector<std::string> conflicts;

    const SegmentRuns& of(std::uint32_t timeline) const;
    bool has_divergent(std::uint32_t timeline, std::uint64_t number) const;
    bool has_partial(std::uint32_t timeline, std::uint64_t number, std::uint64_t up_to) const;
    /// The first one from that number on.
    std::optional<std::uint64_t> next_partial(std::uint32_t timeline, std::uint64_t number) const;
    WalName name(std::uint32_t timeline, std::uint64_t number) const;
};

/// Segments with several contents: (timeline, position).
std::vector<std::pair<std::uint32_t, std::uint64_t>> several_contents(const HeldSegments& held);

/// (timeline, position) of segments.
using SegmentPlaces = std::set<std::pair<std::uint32_t, std::uint64_t>>;

/// Up to which LSN a .partial with several contents leads.
using PartialReach = std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t>;

/// `partials`: of .partial files; one with several contents is of use as `reach` says. `divergent`: see
/// UsableWal.
UsableWal usable_wal(const HeldSegments& held, const SettledSegments& settled, std::uint64_t segment_size,
                     const HeldSegments& partials = {}, const SegmentPlaces& divergent = {},
                     const PartialReach& reach = {});

}  // namespace walferry::archive
