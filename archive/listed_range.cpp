#include "archive/listed_range.hpp"

#include <algorithm>

#include "archive/wal_objects.hpp"
#include "common/error.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

std::vector<ListedObject> list_range(ObjectStore& store, const ObjectKeys& keys,
                                     std::uint64_t system_identifier, const std::string& first,
                                     const std::string& last) {
    std::vector<ListedObject> found;
    const std::string directory = keys.wal_directory(first);
    for (const WalObject& each : WalObjects(store, directory, directory + first)) {
        if (each.name.kind != WalKind::segment) continue;
        if (each.name.text > last) break;
        found.push_back({system_identifier, each.name, each.object.fingerprint, each.info.key, each.info.size,
                         each.object.sha256});
    }
    return found;
}

void learn_of_backup_wal(const Settings& settings, Ledger& ledger, const std::stop_token& stop) {
    for (const BackupRange& lacking : ledger.backups_without_wal()) {
        const auto known =
            std::find_if(settings.stores.begin(), settings.stores.end(),
                         [&](const StoreSettings& store) { return store.name == lacking.store; });
        if (known == settings.stores.end()) continue;
        try {
            const auto store = open_store(*known, StoreAccess::write, nullptr, stop);
            const ObjectKeys keys(known->prefix, settings.cluster, lacking.system_identifier);
            const auto listed = list_range(*store, keys, lacking.system_identifier, lacking.first_segment,
                                           lacking.last_segment);
            ledger.add_listed(lacking.store_id, listed, wall_now());
            ledger.add_listed_conflicts(lacking.system_identifier, lacking.first_segment,
                                        lacking.last_segment, wall_now());
        } catch (const Error& error) {
            if (traits(error.kind()).scope == Scope::ledger) throw;
        }
    }
}

}  // namespace walferry::archive
