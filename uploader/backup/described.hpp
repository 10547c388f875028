#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/codec/backup_begin.hpp"
#include "common/codec/backup_index.hpp"
#include "common/codec/backup_label.hpp"
#include "common/ledger/ledger_backups.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "transfer/encoded_object.hpp"
#include "transfer/plain_object.hpp"

// What a backup puts beside its pieces, in plain text, for hosts that cannot decrypt.
namespace walferry::backup {

/// A plain object of a backup's folder, ready to be put.
struct Described {
    std::unique_ptr<const transfer::PlainObject> object;
    std::string name;  // in the folder
};

/// Signed where there is a key.
Described describe_begin(BackupBegin begin, const WriterKey* writer);

/// What the backup consists of, its label being `label_object`.
BackupIndex make_index(const BackupLabel& label, const BackupExtent& extent,
                       const transfer::EncodedObject& label_object);
Described describe_index(BackupIndex index, const WriterKey* writer);

/// The first of the index's objects that the store's listing of the backup's folder does not show, and how
/// many there are of them. Asked twice, because a listing may lag behind.
struct Absent {
    std::uint64_t count = 0;
    std::string first;
};
Absent absent_objects(ObjectStore& store, const ObjectKeys& keys, const BackupIndex& index);

}  // namespace walferry::backup
