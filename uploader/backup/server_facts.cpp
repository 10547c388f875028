#include "uploader/backup/server_facts.hpp"

#include <algorithm>
#include <charconv>

#include "common/error.hpp"
#include "uploader/backup/base_backup.hpp"
#include "uploader/backup/config_files.hpp"

namespace walferry::backup {
namespace {

// to_char cuts the milliseconds off; the query comes after what it dates by more than that.
constexpr const char* clock_expression =
    "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

WallTime time_of(const std::string& text) {
    const auto time = parse_time(text);
    if (!time) throw Error(ErrorKind::server, "the PostgreSQL server's clock says \"" + text + "\"");
    return *time;
}

std::string log_place(const std::string& directory, const std::string& data_directory) {
    if (!directory.starts_with('/')) return directory;
    return inside_directory(directory, data_directory) ? path_inside(directory, data_directory) : "";
}

/// pg_settings shows what is in force, whether a file, ALTER SYSTEM or the command line set it.
void read_settings(server::ServerConnection& server, ServerFacts& facts) {
    const server::ServerRows rows = server.query(
        "SELECT name, setting FROM pg_settings WHERE name IN ('max_connections', 'max_worker_processes', "
        "'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction', 'hot_standby', "
        "'wal_level', 'data_directory_mode', 'log_directory')");
    for (int row = 0; row < rows.size(); ++row) {
        if (rows.text(row, 0) == "data_directory_mode")
            facts.data_directory_mode = rows.text(row, 1) == "0750" ? 0750 : 0700;
        else if (rows.text(row, 0) == "log_directory")
            facts.log_directory = log_place(rows.text(row, 1), facts.data_directory);
        else
            facts.settings[rows.text(row, 0)] = rows.text(row, 1);
    }
}

}  // namespace

ServerFacts ask_server(server::ServerConnection& server) {
    ServerFacts facts;
    // Paths are bytes: no conversion from the database's encoding may touch them.
    (void)server.query("SELECT set_config('client_encoding', 'SQL_ASCII', false)");
    facts.version = server.version();
    require_supported_server(facts.version);
    facts.version_text = server_version_text(facts.version);
    // Settings that a role may not see are missing from the view, where SHOW would be refused.
    const server::ServerRows rows =
        server.query(std::string("SELECT (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'), "
                                 "(SELECT setting FROM pg_settings WHERE name = 'data_directory'), "
                                 "(SELECT setting FROM pg_settings WHERE name = 'config_file'), "
                                 "(SELECT setting FROM pg_settings WHERE name = 'hba_file'), "
                                 "(SELECT setting FROM pg_settings WHERE name = 'ident_file'), "
                                 "pg_is_in_recovery(), current_setting('archive_mode'), "
                                 "(SELECT redo_wal_file FROM pg_control_checkpoint()), ") +
                     clock_expression);
    const std::string size = rows.text(0, 0);
    std::from_chars(size.data(), size.data() + size.size(), facts.segment_size);
    facts.data_directory = rows.text(0, 1);
    if (facts.data_directory.empty()) {
        throw Error(ErrorKind::server, "the server does not tell this role where its files are",
                    "as a superuser: GRANT pg_read_all_settings TO walferry, with the role's own name; "
                    "docs/backup.md lists what it needs");
    }
    facts.config_file = rows.text(0, 2);
    facts.hba_file = rows.text(0, 3);
    facts.ident_file = rows.text(0, 4);
    facts.in_recovery = rows.text(0, 5) == "t";
    facts.archive_mode = rows.text(0, 6);
    facts.redo_segment = rows.text(0, 7);
    facts.now = time_of(rows.text(0, 8));
    read_settings(server, facts);
    const server::ServerRows slots =
        server.query("SELECT slot_name FROM pg_replication_slots WHERE NOT temporary ORDER BY 1");
    for (int row = 0; row < slots.size(); ++row) facts.replication_slots.push_back(slots.text(row, 0));
    return facts;
}

WallTime server_clock(server::ServerConnection& server) {
    return time_of(server.query(std::string("SELECT ") + clock_expression).text(0, 0));
}

std::vector<std::string> tablespace_names(server::ServerConnection& server,
                                          const std::vector<std::uint32_t>& oids) {
    std::vector<std::string> names(oids.size());
    if (oids.empty()) return names;
    const server::ServerRows rows = server.query("SELECT oid::text, spcname FROM pg_tablespace");
    for (int row = 0; row < rows.size(); ++row) {
        for (std::size_t i = 0; i < oids.size(); ++i) {
            if (std::to_string(oids[i]) == rows.text(row, 0)) names[i] = rows.text(row, 1);
        }
    }
    return names;
}

ArchiverState archiver_state(server::ServerConnection& server) {
    const server::ServerRows rows = server.query(
        "SELECT last_archived_wal, last_failed_wal, archived_count, failed_count FROM pg_stat_archiver");
    return {rows.text(0, 0), rows.text(0, 1), rows.text(0, 2), rows.text(0, 3)};
}

}  // namespace walferry::backup
