#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "server/server_connection.hpp"
#include "server/server_process.hpp"

namespace walferry::check {

/// What the server says of how it archives.
struct ServerState {
    int version = 0;  // 150014
    std::optional<std::uint64_t> system_identifier;
    std::optional<std::uint32_t> timeline;
    bool in_recovery = false;
    std::string archive_mode;      // "off", "on", "always"
    bool restart_pending = false;  // archive_mode was changed and waits for a restart
    std::string archive_library;   // empty before PostgreSQL 15
    std::string archive_command;
    std::string restore_command;            // empty where there is none, or it may not be seen
    std::int64_t archive_timeout = 0;       // seconds
    bool alter_system = true;               // false: allow_alter_system is off (PostgreSQL 17)
    std::uint64_t segment_size = 16 << 20;  // bytes
    std::string data_directory;             // empty where the role may not know it

    std::string last_archived, last_failed;                // names of files
    std::optional<std::int64_t> archived_ago, failed_ago;  // seconds
    bool failing = false;                                  // the last attempt failed
    std::int64_t failures = 0;

    std::optional<std::int64_t> ready;  // files that wait for the archiver; unknown without the right
    std::int64_t oldest_ready_age = 0;
    std::string oldest_ready;
    std::string hidden;  // what the role may not see, and why

    std::optional<server::ServerProcess> process;

    // What is on this host, and not the server's word.
    bool runs_push_by_script =
        false;                      // archive_command names a script in which walferry-archive-push is called
    bool has_other_root = false;    // the server is in a container or chroot
    std::string environment_spool;  // WALFERRY_SPOOL, as the server was started; empty where not to be seen
    std::string push_program = "walferry-archive-push";  // to be named where none is
};

/// Throws Error of kind server.
ServerState ask_server_state(server::ServerConnection& server);

void to_json(nlohmann::json& json, const ServerState& state);
void from_json(const nlohmann::json& json, ServerState& state);

}  // namespace walferry::check
