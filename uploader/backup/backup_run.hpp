#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "common/codec/backup_piece.hpp"
#include "uploader/backup/backup.hpp"
#include "uploader/backup/backup_lock.hpp"
#include "uploader/backup/backup_record.hpp"
#include "uploader/backup/base_backup.hpp"
#include "uploader/backup/cluster_contents.hpp"
#include "uploader/backup/config_files.hpp"
#include "uploader/backup/described.hpp"
#include "uploader/backup/history_files.hpp"
#include "uploader/backup/pipeline.hpp"
#include "uploader/backup/server_facts.hpp"
#include "uploader/backup/store_copy.hpp"

namespace walferry::backup {

/// One backup, from the lock to the summary.
class BackupRun {
  public:
    BackupRun(const Settings& settings, const BackupOptions& options, console::Outcome& outcome,
              drain::Progress& progress, const std::stop_token& stop);
    ~BackupRun();
    BackupResult run();

  private:
    void ask();
    void begin();
    void stream();
    void receive(BaseBackup& backup);
    void copy_config();
    void compare_contents(const BaseBackup& backup);
    void bring_histories();
    void describe(const BaseBackup& backup);
    void in_each_store(const std::function<void(StoreCopy&)>& action);
    void put_begins();
    void put_labels();
    void put_label(StoreCopy& copy, const transfer::EncodedObject& label, const BackupIndex& index);
    [[noreturn]] void take_back(StoreCopy& copy, const std::string& label_key, const Absent& absent);
    void await_wal();
    void abandon() noexcept;
    void sweep_leftovers(const StoreSettings& store, const std::vector<AbandonedBackup>& left);
    void remove_own_pieces(StoreCopy& copy);
    void given_up(const StoreCopy& copy);
    BackupResult conclude();

    void say(const std::string& line) { outcome_.report(0, line); }
    void check() const;
    server::ServerConnection::Say warnings();
    ObjectKeys keys(const StoreSettings& store, std::uint64_t system_identifier) const;
    std::string progress_line(std::chrono::milliseconds elapsed) const;

    const Settings& settings_;
    const BackupOptions options_;
    console::Outcome& outcome_;
    drain::Progress& progress_;
    std::stop_source stop_;  // also when this run fails
    const std::stop_callback<std::function<void()>> asked_to_stop_;
    const std::stop_token asked_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();

    const EncodeOptions encoding_;
    const BackupLock lock_;
    BackupRecord record_;

    std::unique_ptr<server::ServerConnection> server_;  // answers questions
    std::unique_ptr<server::ServerConnection> sender_;  // sends the backup
    ServerFacts facts_;
    ConfigFiles config_;
    std::vector<ConfigFiles::File> own_config_;  // that the data directory's tar does not hold
    ClusterContents contents_;                   // before the backup
    std::optional<ClusterContents> contents_after_;
    ReceivedContents received_contents_;
    std::vector<HistoryFile> histories_;
    BackupOrigin origin_;
    BackupLabel label_;
    BackupExtent extent_{};
    BackupResult result_;

    transfer::MemoryBudget memory_;
    std::vector<std::unique_ptr<StoreCopy>> copies_;
    std::unique_ptr<BackupPipeline> pipeline_;
    std::vector<std::jthread> sweepers_;
    std::atomic<std::uint64_t> received_ = 0;
    std::atomic<std::uint64_t> expected_ = 0;
};

}  // namespace walferry::backup
