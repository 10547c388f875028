#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry::archive {

/// One backup as one store has it. Neither label nor problem: it was never completed, or is under way.
struct StoredBackup {
    BackupId id;
    std::optional<BackupLabel> label;
    ObjectName label_object;    // pieces were made for the same recipients
    std::string problem;        // why a label cannot be used; another one may be sound
    std::uint64_t missing = 0;  // pieces that the label names and the listing does not show
};

/// The object that holds a piece of the backup that `label_object` completes: the same one in every store.
ObjectName piece_object(const ObjectName& label_object, const BackupPart& part,
                        const BackupLabel::Piece& piece);

/// Lists all backups of a store, the oldest first, and reads their labels.
std::vector<StoredBackup> list_backups(ObjectStore& store, const ObjectKeys& keys, const std::string& cluster,
                                       std::uint64_t system_identifier, const DecodeOptions& options);

}  // namespace walferry::archive
