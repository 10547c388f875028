#include "uploader/backup/backup_record.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "common/error.hpp"
#include "common/store/stores.hpp"

namespace walferry::backup {
namespace {

bool is_spooled(const SpoolPaths& spool, std::uint64_t system_identifier) {
    struct stat status {};
    return ::stat(spool.ready(system_identifier).c_str(), &status) == 0;
}

}  // namespace

BackupRecord::BackupRecord(const Settings& settings, Say say) : settings_(settings), say_(std::move(say)) {
    try {
        ledger_ = std::make_unique<Ledger>(SpoolPaths(settings.spool), Ledger::Open::existing);
        for (const StoreRow& row : reconcile_stores(settings, *ledger_, wall_now()))
            stores_[row.identity.name] = row.id;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::config) throw;
        ledger_.reset();
        say_("no ledger here can be used (" + error.message() +
             "): this backup is recorded nowhere but in the stores, and pieces that an interrupted one may "
             "have "
             "left there are not known and stay");
    }
}

// What was not written down is only missing in reports; the stores have it.
template <typename Action>
void BackupRecord::writing(Action action) {
    if (!ledger_ || !backup_) return;
    try {
        action(*ledger_);
    } catch (const Error& error) {
        say_("the ledger could not be written: " + std::string(error.what()));
    }
}

void BackupRecord::require_cluster(std::uint64_t system_identifier) {
    if (!ledger_) return;
    const auto other = ledger_->other_cluster(system_identifier);
    if (!other || is_spooled(SpoolPaths(settings_.spool), system_identifier)) return;
    throw Error(ErrorKind::config,
                "the server is cluster " + std::to_string(system_identifier) + ", but the WAL in the spool " +
                    settings_.spool + " is that of " + std::to_string(*other),
                "correct server.conninfo or `spool` in " + settings_.file +
                    "; a new cluster's first segment must be archived before its first backup");
}

std::map<std::string, std::vector<AbandonedBackup>> BackupRecord::abandoned() {
    std::map<std::string, std::vector<AbandonedBackup>> by_store;
    if (!ledger_) return by_store;
    for (const AbandonedBackup& backup : ledger_->abandoned_backups()) {
        for (const auto& [name, id] : stores_) {
            if (id == backup.store) by_store[name].push_back(backup);
        }
    }
    return by_store;
}

void BackupRecord::begin(std::uint64_t system_identifier, const BackupId& id) {
    if (!ledger_) return;
    std::vector<std::int64_t> ids;
    for (const auto& [name, store] : stores_) ids.push_back(store);
    try {
        backup_ = ledger_->begin_backup(system_identifier, id.text, ::getpid(), ids, wall_now());
    } catch (const Error& error) {
        say_("this backup is not recorded: " + std::string(error.what()) +
             "; should it be interrupted, no later run will know its pieces in the stores");
    }
}

void BackupRecord::describe(const BackupExtent& extent) {
    writing([&](Ledger& ledger) { ledger.describe_backup(*backup_, extent); });
}
void BackupRecord::expect_label(const std::string& store, const std::string& key, const std::string& sha256,
                                std::uint64_t object_size) {
    writing([&](Ledger& ledger) {
        ledger.expect_backup_label(*backup_, stores_.at(store), key, sha256, object_size);
    });
}
void BackupRecord::verified(const std::string& store) {
    writing([&](Ledger& ledger) { ledger.backup_verified(*backup_, stores_.at(store), wall_now()); });
}
void BackupRecord::archived(const std::string& store, const ListedObject& object) {
    writing([&](Ledger& ledger) {
        ledger.add_listed(stores_.at(store), std::span(&object, 1), wall_now());
        ledger.add_listed_conflicts(object.system_identifier, object.name.text, object.name.text, wall_now());
    });
}
void BackupRecord::failed(const std::string& store, const std::string& error) {
    writing([&](Ledger& ledger) { ledger.backup_failed(*backup_, stores_.at(store), error); });
}
void BackupRecord::removed(const AbandonedBackup& backup) {
    ledger_->backup_removed(backup.backup, backup.store);
}
void BackupRecord::found_whole(const AbandonedBackup& backup, const std::string& label_key) {
    ledger_->expect_backup_label(backup.backup, backup.store, label_key, backup.label_sha256,
                                 backup.object_size);
    ledger_->backup_verified(backup.backup, backup.store, wall_now());
}
void BackupRecord::end(int exit_code) {
    writing([&](Ledger& ledger) { ledger.end_backup(*backup_, exit_code, wall_now()); });
}

std::map<std::string, BackupCopyRow> BackupRecord::copies() {
    std::map<std::string, BackupCopyRow> by_store;
    writing([&](Ledger& ledger) {
        for (BackupCopyRow& row : ledger.backup_copies(*backup_)) by_store.emplace(row.store, row);
    });
    return by_store;
}

}  // namespace walferry::backup
