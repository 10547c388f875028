#include "uploader/backup/leftovers.hpp"

#include "common/error.hpp"

namespace walferry::backup {
namespace {

std::optional<std::string> find_label(ObjectStore& store, const std::string& directory) {
    const std::string stem = directory + std::string(BackupPart::label_stream) + "-";
    for (const ObjectInfo& info : store.list(stem, "").objects) {
        if (ObjectName::parse_backup(std::string_view(info.key).substr(directory.size()))) return info.key;
    }
    return std::nullopt;
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

    std::string after;
    for (bool more = true; more;) {
        const ObjectPage page = store.list(directory, after);
        for (const ObjectInfo& info : page.objects) {
            if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
            after = info.key;
            // What is not ours to the letter is somebody else's.
            if (!ObjectName::parse_backup(std::string_view(info.key).substr(directory.size()))) continue;
            store.remove(info.key);
            ++swept.removed;
        }
        more = page.more && !page.objects.empty();
    }
    return swept;
}

}  // namespace walferry::backup
