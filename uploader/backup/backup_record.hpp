#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry::backup {

/// What a backup writes into the ledger, where this host has one. A ledger that cannot be used stops no
/// backup: that is said once, and nothing is written.
class BackupRecord {
  public:
    using Say = std::function<void(const std::string&)>;

    /// Throws config where the configuration's stores and the ledger's disagree.
    BackupRecord(const Settings& settings, Say say);

    bool exists() const noexcept { return ledger_ != nullptr; }
    Ledger* ledger() noexcept { return ledger_.get(); }

    /// Throws config when the spool holds another cluster's WAL.
    void require_cluster(std::uint64_t system_identifier);
    /// By store: what earlier runs have left there.
    std::map<std::string, std::vector<AbandonedBackup>> abandoned();

    /// Durably, before the first piece is put.
    void begin(std::uint64_t system_identifier, const BackupId& id);
    void describe(const BackupExtent& extent);
    void expect_label(const std::string& store, const std::string& key, const std::string& sha256,
                      std::uint64_t object_size);
    void verified(const std::string& store);
    /// A file of the WAL's that this run has put and read back.
    void archived(const std::string& store, const ListedObject& object);
    void failed(const std::string& store, const std::string& error);
    void removed(const AbandonedBackup& backup);
    void found_whole(const AbandonedBackup& backup, const std::string& label_key);
    void end(int exit_code);
    /// By store: what the ledger says of this backup's copies; empty without one.
    std::map<std::string, BackupCopyRow> copies();

  private:
    template <typename Action>
    void writing(Action action);

    const Settings& settings_;
    const Say say_;
    std::unique_ptr<Ledger> ledger_;
    std::map<std::string, std::int64_t> stores_;
    std::optional<std::int64_t> backup_;
};

}  // namespace walferry::backup
