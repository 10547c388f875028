#include "maintenance/verify/missing.hpp"

#include <map>
#include <span>

#include "archive/comparison.hpp"
#include "archive/expired_wal.hpp"
#include "archive/stored_indexes.hpp"
#include "common/store/listing.hpp"
#include "common/store/object_name.hpp"
#include "common/store/stores.hpp"
#include "common/wal/pg_control.hpp"

namespace walferry::verify {
namespace {

constexpr std::size_t compared_a_run = 50'000;  // segments: fifty requests
constexpr int most_missing = 1000;

}  // namespace

Missing::Missing(Ledger& ledger, const Settings& settings, const StoreSettings& store, ObjectStore& objects,
                 std::stop_token stop)
    : ledger_(ledger), settings_(settings), store_(store), objects_(objects), stop_(std::move(stop)) {
    const StoreIdentity identity = identity_of(store);
    for (const StoreRow& row : ledger.active_stores()) {
        if (row.identity == identity) id_ = row.id;
    }
}

std::string Missing::root() const {
    return (store_.prefix.empty() ? "" : store_.prefix + "/") + settings_.cluster + "/";
}

std::vector<std::string> Missing::look() {
    std::vector<std::string> missing;
    if (!id_) return missing;
    add_segments(missing);
    add_backup_objects(missing);
    return missing;
}

void Missing::add_segments(std::vector<std::string>& missing) {
    (void)archive::compare_with_listings(
        ledger_, objects_,
        {store_.prefix, settings_.cluster, *id_, compared_a_run, stop_, settings_.trusted_writers},
        wall_now());
    std::map<std::uint64_t, archive::ExpiredWal> expired;
    for (const LostUpload& lost : ledger_.lost_uploads(*id_, most_missing)) {
        const ObjectKeys keys(store_.prefix, settings_.cluster, lost.system_identifier);
        if (!expired.contains(lost.system_identifier)) {
            expired.emplace(
                lost.system_identifier,
                archive::ExpiredWal(objects_, keys, lost.system_identifier, settings_.trusted_writers));
        }
        if (expired.at(lost.system_identifier).covers(lost.name)) continue;
        missing.push_back(keys.wal_directory(lost.name) + lost.name + "-" + lost.fingerprint + "-");
    }
}

void Missing::add_backup_objects(std::vector<std::string>& missing) {
    const std::size_t most = missing.size() + most_missing;
    for (const std::string& folder : list_folders(objects_, root())) {
        const auto sysid = parse_system_identifier(folder);
        if (!sysid) continue;
        const ObjectKeys keys(store_.prefix, settings_.cluster, *sysid);
        const archive::IndexOwner owner{settings_.cluster, *sysid, settings_.trusted_writers};
        for (const archive::IndexedBackup& backup : archive::list_indexed_backups(objects_, keys, owner)) {
            if (!backup.labelled || !backup.index || backup.missing == 0 ||
                !ledger_.knows_backup(backup.id.text))
                continue;
            for (const BackupIndex::Object& object : backup.index->objects) {
                if (missing.size() >= most) return;
                const std::string key = keys.root() + object.key;
                if (!objects_.head(key)) missing.push_back(key);
            }
        }
    }
}

void Missing::came_back(const std::string& key) {
    const std::size_t slash = key.rfind('/');
    const auto object = ObjectName::parse(key.substr(slash + 1));
    const std::string root = this->root();
    const auto sysid =
        parse_system_identifier(key.substr(root.size(), key.find('/', root.size()) - root.size()));
    if (!id_ || !object || !sysid) return;
    const auto there = objects_.head(key);
    if (!there) return;
    const ListedObject listed{
        *sysid, *WalName::parse(object->segment), object->fingerprint, key, there->size, object->sha256};
    ledger_.add_listed(*id_, std::span(&listed, 1), wall_now());
}

}  // namespace walferry::verify
