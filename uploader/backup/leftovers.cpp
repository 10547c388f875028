#include "uploader/backup/leftovers.hpp"

#include "common/error.hpp"
#include "common/store/listing.hpp"

namespace walferry::backup {
namespace {

std::optional<std::string> find_label(ObjectStore& store, const std::string& directory) {
    const std::string stem = directory + std::string(BackupPart::label_stream) + "-";
    for (const ObjectInfo& info : store.list(stem, "").objects) {
        if (ObjectName::parse_backup(std::string_view(info.key).substr(directory.size()))) return info.key;
    }
    return std::nullopt;
}

/// What does not have such a name to the letter is not walferry's.
bool is_part_of_backup(std::string_view name) {
    return ObjectName::parse_backup(name) || IndexName::parse(name) || BeginName::parse(name);
}

}  // namespace

SweptBackup sweep_backup(ObjectStore& store, const ObjectKeys& keys, const BackupId& id,
                         const std::string& label_key, const std::stop_token& stop) {
    const std::string directory = keys.backup_directory(id);
    SweptBackup swept;
    for (int asked = 0; asked < 2; ++asked) {
        if (auto label = find_label(store, directory)) return {0, std::move(label)};
    }
    if (!label_key.empty() && store.head(label_key)) return {0, label_key};

    for (const ObjectInfo& info : Listing(store, directory)) {
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
        if (!is_part_of_backup(std::string_view(info.key).substr(directory.size()))) continue;
        store.remove(info.key);
        ++swept.removed;
    }
    return swept;
}

}  // namespace walferry::backup
