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

/// What a store should have and no longer has: segments that this host's ledger calls verified there, and
/// objects that the index of a backup names which this host knows and whose label is there. (What expires
/// loses its label first.)
class Missing {
  public:
    Missing(Ledger& ledger, const Settings& settings, const StoreSettings& store, ObjectStore& objects,
            std::stop_token stop);

    /// Goes on comparing the ledger with the store's listings where the last run ended, and compares all
    /// backups. Returns what is missing, a thousand of each at the most: segments as keys without what
    /// differs from encoding to encoding, "…/wal/TTTTTTTT/NAME-FINGERPRINT-", and objects of backups as keys.
    /// Empty where the ledger does not know the store. Throws what store and ledger throw.
    std::vector<std::string> look();
    /// The object is there again, and was read back.
    void came_back(const std::string& key);

  private:
    void add_segments(std::vector<std::string>& missing);
    void add_backup_objects(std::vector<std::string>& missing);
    std::string root() const;

    Ledger& ledger_;
    const Settings& settings_;
    const StoreSettings& store_;
    ObjectStore& objects_;
    const std::stop_token stop_;
    std::optional<std::int64_t> id_;  // in the ledger
};

}  // namespace walferry::verify
