#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"

namespace walferry::gaps {

/// Where some of what is missing still is.
struct Whereabouts {
    enum class Place { store, spool, pg_wal };
    Place place = Place::store;
    std::string store;           // its name
    std::uint64_t segments = 0;  // of those that are missing
    std::string first = {};      // of them
};

/// Segments of one timeline that a store should have and has not.
struct FoundGap {
    std::string first, last;
    std::uint64_t missing = 0;
    std::string behind = {};  // the segment that is there behind it
    bool at_fork = false;     // that one begins a later timeline
    /// When it was first seen; nullopt where no ledger remembers.
    std::optional<std::string> since = {};
    bool recent = false;  // since less than the recovery point may trail: it may still be on its way
    std::optional<KnownGap> known = {};  // acknowledged
    std::vector<Whereabouts> still_in = {};
};

struct StoreGaps {
    std::string name;
    std::vector<FoundGap> gaps;
    std::optional<Error> trouble;  // it did not answer all that it was asked
};

struct GapsOptions {
    StoreSelection stores;
    std::uint64_t system_identifier = 0;  // 0: the present one's
    /// The names in the server's pg_wal, as far as it can be asked.
    std::function<std::set<std::string>(std::uint64_t system_identifier)> pg_wal;
    std::stop_token stop;
};

struct Acknowledgement {
    std::string first, last;
    std::string reason;
};
/// "A-B", or "A" for one segment. Throws usage for anything else.
Acknowledgement parse_acknowledgement(const std::string& range, const std::string& reason);

struct GapsResult {
    std::uint64_t system_identifier = 0;
    std::vector<StoreGaps> stores;
    int exit_code = 0;  // 3 where one is neither acknowledged nor recent, 4 where a store did not answer
};

/// Lists every selected store. What is missing behind the end of a timeline is none that a recovery needs,
/// and no gap. Throws usage, and what the ledger throws.
GapsResult find_gaps(const Settings& settings, const GapsOptions& options);

/// Writes down that a person knows what is missing there, in each of the selected stores that lack any of it.
/// Throws usage where none does, and where there is no ledger to write to. Returns the stores' names.
std::vector<std::string> acknowledge(const Settings& settings, const GapsOptions& options,
                                     const Acknowledgement& acknowledgement);

}  // namespace walferry::gaps
