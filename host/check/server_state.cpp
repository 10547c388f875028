#include "host/check/server_state.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/wal/pg_control.hpp"

namespace walferry::check {
namespace {

constexpr const char* settings_query =
    "SELECT name, coalesce(setting, ''), pending_restart FROM pg_settings WHERE name IN ('archive_mode', "
    "'archive_library', 'archive_command', 'restore_command', 'archive_timeout', 'wal_segment_size', "
    "'data_directory', "
    "'allow_alter_system')";
constexpr const char* archiver_query =
    "SELECT coalesce(last_archived_wal, ''), extract(epoch FROM now() - last_archived_time)::bigint, "
    "coalesce(last_failed_wal, ''), extract(epoch FROM now() - last_failed_time)::bigint, "
    "coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false), failed_count, "
    "pg_is_in_recovery() FROM pg_stat_archiver";
constexpr const char* ready_query =
    "SELECT count(*), coalesce(min(name), ''), coalesce(extract(epoch FROM now() - min(modification)), "
    "0)::bigint FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'";

// A server that was just promoted has made no checkpoint on its new timeline yet, and writes there already.
constexpr const char* timeline_query =
    "SELECT CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id::bigint FROM pg_control_checkpoint()) "
    "ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END";

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::optional<std::int64_t> number_or_null(const server::ServerRows& rows, int column) {
    if (rows.is_null(0, column)) return std::nullopt;
    return number(rows.text(0, column));
}

void read_settings(const server::ServerRows& rows, ServerState& state) {
    for (int row = 0; row < rows.size(); ++row) {
        const std::string name = rows.text(row, 0);
        const std::string value = rows.text(row, 1);
        if (name == "archive_mode") {
            state.archive_mode = value;
            state.restart_pending = rows.text(row, 2) == "t";
        }
        if (name == "archive_library") state.archive_library = value;
        if (name == "archive_command") state.archive_command = value;
        if (name == "restore_command") state.restore_command = value;
        if (name == "archive_timeout") state.archive_timeout = number(value);
        if (name == "wal_segment_size") state.segment_size = static_cast<std::uint64_t>(number(value));
        if (name == "allow_alter_system") state.alter_system = value != "off";
        if (name == "data_directory") state.data_directory = value;
    }
}

void read_archiver(const server::ServerRows& rows, ServerState& state) {
    state.last_archived = rows.text(0, 0);
    state.archived_ago = number_or_null(rows, 1);
    state.last_failed = rows.text(0, 2);
    state.failed_ago = number_or_null(rows, 3);
    state.failing = rows.text(0, 4) == "t";
    state.failures = number(rows.text(0, 5));
    state.in_recovery = rows.text(0, 6) == "t";
}

}  // namespace

ServerState ask_server_state(server::ServerConnection& server) {
    ServerState state;
    state.version = server.version();
    read_settings(server.query(settings_query), state);
    read_archiver(server.query(archiver_query), state);
    std::string why;
    if (const auto rows =
            server.try_query("SELECT system_identifier FROM pg_control_system()", {}, false, why))
        state.system_identifier = parse_system_identifier(rows->text(0, 0));
    if (const auto rows = server.try_query(timeline_query, {}, false, why))
        state.timeline = static_cast<std::uint32_t>(number(rows->text(0, 0)));
    if (const auto rows = server.try_query(ready_query, {}, false, why)) {
        state.ready = number(rows->text(0, 0));
        const std::string name = rows->text(0, 1);
        state.oldest_ready = name.substr(0, name.rfind('.'));
        state.oldest_ready_age = number(rows->text(0, 2));
    }
    state.hidden = why;
    state.process = server::server_process(server);
    return state;
}

void to_json(nlohmann::json& json, const ServerState& state) {
    json = {{"version", state.version},
            {"segment_size", state.segment_size},
            {"data_directory", state.data_directory},
            {"archive_mode", state.archive_mode},
            {"archive_library", state.archive_library},
            {"archive_command", state.archive_command},
            {"restore_command", state.restore_command},
            {"in_recovery", state.in_recovery},
            {"alter_system", state.alter_system},
            {"last_failed", state.last_failed},
            {"failing", state.failing},
            {"runs_push_by_script", state.runs_push_by_script}};
    if (state.timeline) json["timeline"] = *state.timeline;
    if (state.system_identifier) json["system_identifier"] = *state.system_identifier;
    if (const auto& process = state.process)
        json["process"] = {process->pid, process->uid, process->gid, process->groups};
}

void from_json(const nlohmann::json& json, ServerState& state) {
    json.at("version").get_to(state.version);
    json.at("segment_size").get_to(state.segment_size);
    json.at("data_directory").get_to(state.data_directory);
    json.at("archive_mode").get_to(state.archive_mode);
    json.at("archive_library").get_to(state.archive_library);
    json.at("archive_command").get_to(state.archive_command);
    json.at("restore_command").get_to(state.restore_command);
    json.at("in_recovery").get_to(state.in_recovery);
    json.at("alter_system").get_to(state.alter_system);
    json.at("last_failed").get_to(state.last_failed);
    json.at("failing").get_to(state.failing);
    json.at("runs_push_by_script").get_to(state.runs_push_by_script);
    if (json.contains("system_identifier"))
        state.system_identifier = json["system_identifier"].get<std::uint64_t>();
    if (json.contains("timeline")) state.timeline = json["timeline"].get<std::uint32_t>();
    if (json.contains("process")) {
        const auto& process = json["process"];
        state.process = server::ServerProcess{process.at(0), process.at(1), process.at(2), process.at(3)};
    }
}

}  // namespace walferry::check
