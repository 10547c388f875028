#pragma once
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// The WAL segments from `first` to `last`, of one timeline, as the store's listing shows them. Throws what
/// the store throws.
std::vector<ListedObject> list_range(ObjectStore& store, const ObjectKeys& keys,
                                     std::uint64_t system_identifier, const std::string& first,
                                     const std::string& last);

/// Where other hosts archive the WAL of this host's newest backups, the ledger learns of it from the stores:
/// what a backup from a standby still lacked when it ended comes later. Only what is missing is asked for;
/// stores that do not answer are left out.
void learn_of_backup_wal(const Settings& settings, Ledger& ledger, const std::stop_token& stop);

}  // namespace walferry::archive
