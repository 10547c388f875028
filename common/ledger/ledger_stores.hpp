#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/ledger_part.hpp"

namespace walferry {

/// What a store points at. A difference in any of these makes it another store.
struct StoreIdentity {
    std::string name;
    std::string type;      // "s3", "directory"
    std::string endpoint;  // a directory store's path
    std::string bucket;
    std::string prefix;
    bool operator==(const StoreIdentity&) const = default;
};

struct StoreRow {
    std::int64_t id;
    StoreIdentity identity;
    std::string added_at;
    std::optional<std::string> retired_at;
};

/// The stores that this host has been configured with, and those it no longer is.
class StoreRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    std::vector<StoreRow> active_stores();
    std::vector<StoreRow> all_stores();
    std::int64_t add_store(const StoreIdentity& identity, WallTime now);
    void retire_store(std::int64_t id, WallTime now);
};

}  // namespace walferry
