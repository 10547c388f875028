#include "archive/stored_indexes.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "archive/plain_read.hpp"
#include "common/bytes.hpp"
#include "common/codec/zstd_text.hpp"
#include "common/error.hpp"
#include "common/exit_code.hpp"
#include "common/store/listing.hpp"

namespace walferry::archive {
namespace {

/// What the listing shows of one backup.
struct Folder {
    BackupId id;
    std::vector<IndexName> indexes;
    std::uint64_t size = 0;
    bool labelled = false;
};

class Reader {
  public:
    Reader(ObjectStore& store, const ObjectKeys& keys, const IndexOwner& owner)
        : store_(store), keys_(keys), owner_(owner) {}

    void look() {
        const std::string root = keys_.backups_directory();
        for (const ObjectInfo& info : Listing(store_, root)) {
            const std::string_view rest = std::string_view(info.key).substr(root.size());
            const std::size_t slash = rest.find('/');
            const auto id = BackupId::parse(rest.substr(0, slash));
            if (!id || slash == rest.npos) continue;
            if (folders_.empty() || folders_.back().id != *id) folders_.push_back({*id, {}});
            note(folders_.back(), info, rest.substr(slash + 1));
        }
    }

    std::vector<IndexedBackup> read() {
        std::vector<IndexedBackup> backups;
        for (const Folder& folder : folders_) backups.push_back(read(folder));
        return backups;
    }

  private:
    void note(Folder& folder, const ObjectInfo& info, std::string_view name) {
        folder.size += info.size;
        if (auto index = IndexName::parse(name)) {
            folder.indexes.push_back(std::move(*index));
        } else if (const auto object = ObjectName::parse_backup(name)) {
            folder.labelled |= object->segment == BackupPart::label_stream;
            listed_.insert(info.key.substr(keys_.root().size()));
        }
    }

    IndexedBackup read(const Folder& folder) {
        IndexedBackup backup;
        backup.id = folder.id;
        backup.labelled = folder.labelled;
        backup.size = folder.size;
        std::size_t usable = 0;
        for (const IndexName& name : folder.indexes) {
            try {
                backup.index = read_index(store_, keys_, folder.id, name, owner_);
                backup.index_name = name;
                ++usable;
            } catch (const Error& error) {
                // The store's own trouble concerns more than this index.
                if (traits(error.kind()).exit_code == exit_code::failed) throw;
                backup.problem += (backup.problem.empty() ? "" : "; ") + error.message();
            }
        }
        if (usable > 1) {
            backup.index.reset();
            backup.problem = "it has " + std::to_string(usable) + " indexes";
        }
        if (backup.index) {
            const auto& objects = backup.index->objects;
            backup.missing = static_cast<std::uint64_t>(
                std::count_if(objects.begin(), objects.end(),
                              [&](const auto& each) { return !listed_.contains(each.key); }));
        }
        return backup;
    }

    ObjectStore& store_;
    const ObjectKeys& keys_;
    const IndexOwner& owner_;
    std::vector<Folder> folders_;
    std::set<std::string> listed_;  // below the root
};

}  // namespace

BackupIndex read_index(ObjectStore& store, const ObjectKeys& keys, const BackupId& id, const IndexName& name,
                       const IndexOwner& owner) {
    const std::string frame = read_plain(store, keys.index(id, name), name.sha256, max_backup_index_size);
    BackupIndex index = parse_backup_index(expand_text(as_bytes(frame), max_backup_index_size));
    check_signature(index, owner.trusted_writers);
    if (index.id != id || index.system_identifier != owner.system_identifier ||
        index.cluster != owner.cluster)
        throw Error(ErrorKind::integrity,
                    "its index is that of another backup: " + index.id.text + " of cluster " + index.cluster);
    return index;
}

std::vector<IndexedBackup> list_indexed_backups(ObjectStore& store, const ObjectKeys& keys,
                                                const IndexOwner& owner) {
    Reader reader(store, keys, owner);
    reader.look();
    return reader.read();
}

}  // namespace walferry::archive
