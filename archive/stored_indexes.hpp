#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/codec/backup_index.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// Whose indexes are believed.
struct IndexOwner {
    std::string cluster;
    std::uint64_t system_identifier = 0;
    std::vector<std::string> trusted_writers;  // empty: any, and none
};

/// Reads one. Throws integrity where it is damaged, not of that place, or not signed as it must be; else what
/// the store throws.
BackupIndex read_index(ObjectStore& store, const ObjectKeys& keys, const BackupId& id, const IndexName& name,
                       const IndexOwner& owner);

/// One backup as a store's listing and its index show it. No identity is needed for that.
struct IndexedBackup {
    BackupId id;
    std::optional<BackupIndex> index;
    IndexName index_name;
    std::string problem;        // why there is no index that can be used; empty for one that has none
    bool labelled = false;      // a label is there: the backup was completed
    std::uint64_t missing = 0;  // objects that the index names and the listing does not show
    std::uint64_t size = 0;     // of all objects in its folder
};

/// Of all backups of a cluster, the oldest first. A backup that several usable indexes describe has none.
std::vector<IndexedBackup> list_indexed_backups(ObjectStore& store, const ObjectKeys& keys,
                                                const IndexOwner& owner);

}  // namespace walferry::archive
