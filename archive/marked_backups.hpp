#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry::archive {

/// The backups that a store is going to lose, with when it was said (`walferry expire`). Only marks that
/// count count here as well: a forged one hides no backup. Throws what the store throws.
std::map<BackupId, std::string> marked_backups(ObjectStore& store, const ObjectKeys& keys,
                                               std::uint64_t system_identifier,
                                               const std::vector<std::string>& trusted_writers);

}  // namespace walferry::archive
