#pragma once
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_store.hpp"

namespace walferry::verify {

/// What this host's ledger says was verified in a store, and the store no longer has.
class Missing {
  public:
    Missing(Ledger& ledger, const Settings& settings, const StoreSettings& store, ObjectStore& objects,
            std::stop_token stop);

    /// Goes on comparing the ledger with the store's listings where the last run ended. Returns what is
    /// missing, as keys without what differs from encoding to encoding: "…/wal/TTTTTTTT/NAME-FINGERPRINT"; a
    /// thousand at the most. Empty where the ledger does not know the store. Throws what store and ledger
    /// throw.
    std::vector<std::string> look();
    /// The object is there again, and was read back.
    void came_back(const std::string& key);

  private:
    Ledger& ledger_;
    const Settings& settings_;
    const StoreSettings& store_;
    ObjectStore& objects_;
    const std::stop_token stop_;
    std::optional<std::int64_t> id_;  // in the ledger
};

}  // namespace walferry::verify
