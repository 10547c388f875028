#include "archive/fork_gaps.hpp"

#include <algorithm>
#include <optional>

#include "archive/wal_listing.hpp"
#include "archive/wal_objects.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {
namespace {

constexpr std::size_t newest_timelines = 16;

}  // namespace

std::vector<ForkGap> find_fork_gaps(ObjectStore& store, const ObjectKeys& keys, std::uint64_t segment_size,
                                    const std::function<bool(const std::string& segment)>& waits) {
    std::vector<std::string> timelines = list_timelines(store, keys);
    if (timelines.size() > newest_timelines)
        timelines.erase(timelines.begin(), timelines.end() - newest_timelines);
    std::vector<WalName> firsts;  // in the order of their timelines
    std::vector<ForkGap> gaps;
    for (const std::string& timeline : timelines) {
        const auto first = first_with_header(store, keys.wal_directory(timeline));
        const auto start = first ? first->start_lsn(segment_size) : std::nullopt;
        if (!start) continue;
        std::string nearest;
        bool found = false;
        for (auto below = firsts.rbegin(); below != firsts.rend() && !found; ++below) {
            if (*below->start_lsn(segment_size) >= *start) continue;
            const std::string before =
                WalName::segment_at(below->timeline, *start - segment_size, segment_size).text;
            if (nearest.empty()) nearest = before;
            found =
                waits(before) || !store.list(keys.wal_directory(before) + before + "-", "").objects.empty();
        }
        if (!found && !nearest.empty()) gaps.push_back({first->text.substr(0, 24), nearest});
        firsts.push_back(*first);
    }
    return gaps;
}

}  // namespace walferry::archive
