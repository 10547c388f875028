#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "console/outcome.hpp"
#include "server/server_connection.hpp"
#include "uploader/backup/backup_record.hpp"
#include "uploader/drain/progress.hpp"

namespace walferry::backup {

/// What a backup waits for at its end: that its WAL, from start to stop, is in every store that has it.
struct WalWait {
    const Settings& settings;
    BackupRecord& record;
    std::uint64_t system_identifier;
    BackupExtent extent;
    std::vector<std::string> stores;   // that have the backup
    server::ServerConnection* server;  // null: not to be asked; archives by itself where it is not
    bool primary_archives;             // this server is a standby: another host brings its WAL
    bool drain;
    console::Outcome& outcome;
    drain::Progress& progress;
    std::stop_token stop;
};

/// Whether waiting for a backup's WAL gets anywhere. Pure.
class WalProgress {
  public:
    explicit WalProgress(std::string last_segment) : last_segment_(std::move(last_segment)) {}

    /// By store, how much is missing now, and what the server has archived last. True where a store lacks
    /// less than ever before, or the archiver has come nearer to the backup's last segment.
    bool note(const std::map<std::string, std::uint64_t>& missing, const std::string& last_archived);

  private:
    const std::string last_segment_;
    std::map<std::string, std::uint64_t> fewest_;
    std::string archived_;
};

/// What two lines about one event have in common: the text without its numbers and names of segments. Pure.
std::string event_of(const std::string& line);

/// By store, how many of the segments are missing; no entry where that could not be found out. Waits as long
/// as what is missing becomes less, with the help of the server's archiver, a drain (its own, or one that is
/// at work) or another host's uploader: a minute without progress ends it,
/// five where this host's server does not archive and its primary has to, and so does an hour in all.
std::map<std::string, std::uint64_t> await_wal(const WalWait& wait);

}  // namespace walferry::backup
