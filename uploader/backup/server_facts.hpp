#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "server/server_connection.hpp"

namespace walferry::backup {

/// What a backup needs to know of the server beside its data.
struct ServerFacts {
    int version = 0;  // 150014
    std::string version_text;
    std::uint64_t segment_size = 0;
    std::string data_directory;
    unsigned data_directory_mode = 0700;
    std::map<std::string, std::string> settings;  // those that a restored server has to match
    std::vector<std::string> replication_slots;
    std::string log_directory;  // below the data directory, by its path there; empty: elsewhere
    std::string config_file, hba_file, ident_file;
    bool in_recovery = false;
    std::string archive_mode;  // "off", "on", "always"
    std::string redo_segment;  // with which a recovery from its last checkpoint begins
    WallTime now{};            // by its clock

    /// Whether this server's own archiver brings the backup's last segment away.
    bool archives() const { return archive_mode == "always" || (archive_mode == "on" && !in_recovery); }
};

/// Throws config for a server that is too old, server where the role lacks a right.
ServerFacts ask_server(server::ServerConnection& server);

WallTime server_clock(server::ServerConnection& server);

/// Names of the tablespaces with these OIDs, "" where one is unknown.
std::vector<std::string> tablespace_names(server::ServerConnection& server,
                                          const std::vector<std::uint32_t>& oids);

/// How the archiver is doing.
struct ArchiverState {
    std::string last_archived;  // a file's name, may be empty
    std::string last_failed;
    std::string archived_count, failed_count;
};
ArchiverState archiver_state(server::ServerConnection& server);

}  // namespace walferry::backup
