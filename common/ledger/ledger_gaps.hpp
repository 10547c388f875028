#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/ledger/ledger_part.hpp"

namespace walferry {

/// A gap that a person knows of (`walferry gaps --acknowledge`): the first and the last segment that are
/// missing, both of one timeline.
struct KnownGap {
    std::string store;  // its name
    std::string first, last;
    std::string reason;
    std::string acknowledged_at;
};

/// The one of these that covers all that is missing from `first` to `last`: in that store, or, where that is
/// empty, in any of them.
std::optional<KnownGap> known_gap(std::span<const KnownGap> known, const std::string& store,
                                  const std::string& first, const std::string& last);

/// Gaps that are no alarm any longer.
class GapRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    /// Of the active stores.
    std::vector<KnownGap> known_gaps(std::uint64_t system_identifier);
    /// Once more changes the reason.
    void acknowledge_gap(std::int64_t store, std::uint64_t system_identifier, const KnownGap& gap);
};

}  // namespace walferry
