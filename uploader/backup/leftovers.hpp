#pragma once
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>

#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry::backup {

struct SweptBackup {
    std::size_t removed = 0;
    std::optional<std::string> label_key;  // there is a label after all, so nothing was removed
};

/// Removes the pieces of a backup that nobody makes any more. One that has a label exists, and is left alone:
/// listings may lag behind, so they are asked twice, and `label_key` (may be empty) by itself.
SweptBackup sweep_backup(ObjectStore& store, const ObjectKeys& keys, const BackupId& id,
                         const std::string& label_key, const std::stop_token& stop);

}  // namespace walferry::backup
