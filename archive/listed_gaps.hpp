#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/expired_wal.hpp"
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

/// The same of the whole listing, where no ledger remembers: without a time.
std::vector<ListedGap> find_listed_gaps(ObjectStore& store, const ObjectKeys& keys,
                                        std::uint64_t segment_size);

/// What is left of the segments from `first` to `last` without those at either end that have expired; nullopt
/// where nothing is: what the retention did not keep is not missing.
std::optional<std::pair<std::string, std::string>> unexpired(const ExpiredWal& expired, std::string first,
                                                             std::string last, std::uint64_t segment_size);

/// Where a gap at a fork begins: behind the last segment before `missing` that the store has of its timeline;
/// `missing` itself where it has none.
std::string first_missing_before(ObjectStore& store, const ObjectKeys& keys, const std::string& missing,
                                 std::uint64_t segment_size);

}  // namespace walferry::archive
