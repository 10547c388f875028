#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/ledger.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// Looks for gaps within each timeline in a store's listing, whichever host archived it, from where the last
/// look ended: at most `pages` requests for what is new, and one for each gap that is known. The ledger
/// remembers them.
struct GapLook {
    ObjectStore& store;
    const ObjectKeys& keys;
    Ledger& ledger;
    std::int64_t store_id = 0;
    std::uint64_t system_identifier = 0;
    std::uint64_t segment_size = 0;
    int pages = 0;
};

/// Those that are there now, the oldest first. Throws what the store or the ledger throws.
std::vector<ListedGap> look_for_listed_gaps(const GapLook& look, WallTime now);

}  // namespace walferry::archive
