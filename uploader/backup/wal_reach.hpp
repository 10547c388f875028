#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "common/ledger.hpp"
#include "common/settings.hpp"
#include "uploader/backup/backup_record.hpp"
#include "uploader/drain/outcome.hpp"
#include "uploader/drain/progress.hpp"
#include "uploader/server/server_connection.hpp"

namespace walferry {

/// What a backup waits for at its end: that its WAL, from start to stop, is in every store that has it.
struct WalWait {
    const Settings& settings;
    BackupRecord& record;
    std::uint64_t system_identifier;
    BackupExtent extent;
    std::vector<std::string> stores;  // that have the backup
    ServerConnection* server;         // null: not to be asked; archives by itself where it is not
    bool drain;
    Outcome& outcome;
    Progress& progress;
    std::stop_token stop;
};

/// By store, how many of the segments are missing; no entry where that could not be found out. Waits as long
/// as something still moves and something is missing: the server's archiver, a drain (its own, or one that is
/// at work), another host's uploader.
std::map<std::string, std::uint64_t> await_wal(const WalWait& wait);

}  // namespace walferry
