#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "restore/recovery_target.hpp"

namespace walferry::restore {

/// What is in force only while the restored server recovers has a file of its own, in pg_wal: no base backup
/// (PostgreSQL's, ours or another tool's) copies what is in there, so a standby made of this server never has
/// it. postgresql.auto.conf, which is read last and wherever postgresql.conf lies, includes it, if it exists.
/// At the end of recovery the server's own recovery_end_command empties it and takes the include out. Killed
/// before that, the server leaves settings behind that mean nothing to a server that is open.
inline constexpr std::string_view recovery_file = "pg_wal/walferry-recovery.conf";

struct RecoverySettings {
    std::string restore_command;
    RecoveryTarget target;
    std::string timeline;     // a number, "latest" or "current"
    std::string description;  // of the backup and the target, for a comment
    // Where WAL is missing behind the target or a store is silent, the server must not read ahead of what it
    // replays: recovery_prefetch asks for segments behind the target, and what is refused there would end the
    // recovery.
    bool read_ahead = true;
};

/// The content of recovery_file. A server that is to pause at its target lets clients read (hot_standby), any
/// other one does not: it then does not compare its settings with those of the server that wrote the WAL.
std::string recovery_file_text(const RecoverySettings& settings);

/// The line of postgresql.auto.conf that includes it.
std::string recovery_include();

/// True for the file's path as an include has it, and for settings that would contradict recovery_file or
/// outlive an earlier recovery: they are taken out of the configuration that was backed up.
bool is_recovery_include(std::string_view path);
bool is_recovery_target(std::string_view setting_name);

/// Run by a shell in the data directory, as the server's user. Ends with 0 whatever happens: above 125
/// PostgreSQL would stop at the end of recovery.
std::string recovery_end_command();

}  // namespace walferry::restore
