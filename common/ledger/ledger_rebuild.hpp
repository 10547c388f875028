#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "common/clock.hpp"
#include "common/ledger/ledger_part.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {

/// An object that a listing shows: nothing of it was read.
struct ListedObject {
    std::uint64_t system_identifier;
    WalName name;
    std::string fingerprint;
    std::string key;
    std::uint64_t size;
    std::string sha256;  // its first 32 hex digits
};

/// What a ledger that was lost learns from the spool and from the stores' listings. None of these changes
/// what is known already.
class ListedRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    /// Objects of one store, in one transaction. Returns how many uploads were not known before.
    int add_listed(std::int64_t store, std::span<const ListedObject> objects, WallTime now);
    /// Gives the segments of a cluster whose size no listing told this one.
    void set_missing_sizes(std::uint64_t system_identifier, std::uint64_t segment_size);
    /// Of any WAL segment of that cluster; 0 where none is known.
    std::uint64_t known_segment_size(std::uint64_t system_identifier);
    /// Names with several contents of which no conflict is recorded yet. Returns how many it recorded.
    int add_listed_conflicts(WallTime now);
    /// Only of the segments from `first` to `last`.
    int add_listed_conflicts(std::uint64_t system_identifier, const std::string& first,
                             const std::string& last, WallTime now);
};

}  // namespace walferry
