#pragma once
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

struct CompareOptions {
    std::string prefix, cluster;
    std::int64_t store = 0;       // the ledger's id
    std::size_t most = SIZE_MAX;  // segments to compare in this run
    std::stop_token stop = {};
    std::vector<std::string> trusted_writers = {};  // whose word on what has expired counts; empty: anyone's
};

struct CompareResult {
    std::size_t compared = 0;
    std::vector<std::string> lost;  // names that were verified there, and are there no longer
    std::size_t back = 0;           // lost earlier, and listed again
    bool whole = false;             // a round was finished
};

/// Compares what the ledger calls verified in a store with its listings, from where the last run ended, and
/// writes down what is lost and what is back. A segment counts as there when an object of its name and
/// content is listed, or answers to its key; what has expired there is not lost. Throws what the store
/// throws.
CompareResult compare_with_listings(Ledger& ledger, ObjectStore& store, const CompareOptions& options,
                                    WallTime now);

/// The same for the newest segments alone, `behind` of them; the round stays where it is.
CompareResult compare_newest(Ledger& ledger, ObjectStore& store, const CompareOptions& options,
                             const SegmentRow& newest, int behind, WallTime now);

}  // namespace walferry::archive
