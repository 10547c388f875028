#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// A timeline that begins where no timeline below it has the segment before: after a failover the old
/// primary's last segments are not in this store.
struct ForkGap {
    std::string first;    // of the later timeline, as the store has it
    std::string missing;  // the segment before it, named by the nearest timeline that could have it
};

/// From names alone, so that no identity is needed: a few requests for each of the newest timelines. `waits`
/// tells of a segment whether it is on its way (in a spool, say). What was archived on no lower timeline at
/// all, as where archiving began after a promotion, is no gap. Throws what the store throws.
std::vector<ForkGap> find_fork_gaps(ObjectStore& store, const ObjectKeys& keys, std::uint64_t segment_size,
                                    const std::function<bool(const std::string& segment)>& waits);

}  // namespace walferry::archive
