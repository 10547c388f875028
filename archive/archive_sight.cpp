#include "archive/archive_sight.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "archive/wal_listing.hpp"
#include "archive/wal_objects.hpp"
#include "common/error.hpp"
#include "common/store/listing.hpp"
#include "common/wal/backup_name.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {
namespace {

// A page of a listing is a thousand objects: the first look at an old archive is ended by later ones.
constexpr int pages = 50;

std::string newest_segment(ObjectStore& store, const ObjectKeys& keys, const std::string& known) {
    const std::vector<std::string> timelines = list_timelines(store, keys);
    for (auto timeline = timelines.rbegin(); timeline != timelines.rend(); ++timeline) {
        const std::string directory = keys.wal_directory(*timeline);
        std::string newest = known.starts_with(*timeline) ? known : "";
        const std::string after = newest.empty() ? directory : directory + newest;
        for (const WalObject& each : WalObjects(store, directory, after, pages)) {
            if (each.name.kind == WalKind::segment) newest = each.name.text;
        }
        if (!newest.empty()) return newest;
    }
    return {};
}

/// Of those that begin with the known one or later.
std::string newest_backup(ObjectStore& store, const ObjectKeys& keys, const std::string& known) {
    const std::string root = keys.backups_directory();
    std::vector<BackupId> ids;
    for (const std::string& folder : list_folders(store, root, known)) {
        if (auto id = BackupId::parse(folder)) ids.push_back(*std::move(id));
    }
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
        const std::string label = keys.backup_directory(*id) + BackupPart::label().text() + "-";
        if (!store.list(label, "").objects.empty()) return id->text;
    }
    return {};
}

}  // namespace

ArchiveSight see_archive(ObjectStore& store, const ObjectKeys& keys, const ArchiveSight& before,
                         const std::function<bool(const std::string& id)>& knows, WallTime now) {
    ArchiveSight sight = before;
    sight.seen_at = format_time(now);
    sight.newest_segment = newest_segment(store, keys, before.newest_segment);
    sight.newest_backup = newest_backup(store, keys, before.newest_backup);
    // The known one may be gone.
    if (sight.newest_backup.empty() && !before.newest_backup.empty())
        sight.newest_backup = newest_backup(store, keys, {});
    sight.backup_is_ours = !sight.newest_backup.empty() && knows(sight.newest_backup);
    return sight;
}

void note_archive(const Settings& settings, Ledger& ledger, std::uint64_t system_identifier,
                  const std::stop_token& stop) {
    const std::vector<ArchiveSight> known = ledger.sights(system_identifier);
    for (const StoreRow& row : ledger.active_stores()) {
        const auto configured =
            std::find_if(settings.stores.begin(), settings.stores.end(),
                         [&](const auto& store) { return store.name == row.identity.name; });
        if (configured == settings.stores.end()) continue;
        ArchiveSight before{row.identity.name, {}, {}, {}, false};
        for (const ArchiveSight& sight : known) {
            if (sight.store == before.store) before = sight;
        }
        try {
            const auto store = open_store(*configured, StoreAccess::write, nullptr, stop);
            const ObjectKeys keys(configured->prefix, settings.cluster, system_identifier);
            ledger.note_sight(
                row.id, system_identifier,
                see_archive(
                    *store, keys, before, [&](const std::string& id) { return ledger.knows_backup(id); },
                    wall_now()));
        } catch (const Error& error) {
            if (traits(error.kind()).scope == Scope::ledger) throw;
        }
    }
}

}  // namespace walferry::archive
