#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/ledger_part.hpp"

namespace walferry {

/// How far what is verified in a store was compared with its listings, in the order of system identifiers and
/// names; both are empty where a round begins.
struct Comparison {
    std::string began_at;  // this round
    std::string system_identifier, name;
    std::optional<std::string> seen_since;  // when the last whole round began
};

/// What a store should have: verified there, or known to be lost from it.
struct KeptUpload {
    std::int64_t segment;
    std::uint64_t system_identifier;
    std::string name, fingerprint;
    bool verified;  // else lost
    std::string object_key, verified_at;
};

struct LostUploads {
    std::int64_t count = 0;
    std::string first;  // a segment's name
};

/// A segment that has left the spool and is not in a store.
struct LostUpload {
    std::uint64_t system_identifier;
    std::string name, fingerprint;
};

/// The record ages: what a store was seen to have may be gone from it. How far its listings were compared,
/// and what was lost.
class ComparisonRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    Comparison comparison(std::int64_t store, WallTime now);
    void compared(std::int64_t store, const Comparison& until);
    /// Behind that segment, in the order of system identifiers and names.
    std::vector<KeptUpload> kept_after(std::int64_t store, const std::string& system_identifier,
                                       const std::string& name, int most);
    /// Verified no longer: the store does not have these.
    void lose(std::int64_t store, std::span<const std::int64_t> segments, const std::string& reason);
    LostUploads lost(std::int64_t store);
    std::vector<LostUpload> lost_uploads(std::int64_t store, int most);
};

}  // namespace walferry
