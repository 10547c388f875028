#include "uploader/setup/server_setup.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "common/error.hpp"
#include "uploader/server/archive_command.hpp"
#include "uploader/server/server_connection.hpp"
#include "uploader/server/server_user.hpp"
#include "uploader/server/sql_text.hpp"

namespace walferry {
namespace {

/// Peer authentication asks who connects, so that is done as the server's user.
std::unique_ptr<ServerConnection> connect(const std::string& conninfo, const std::string& owner) {
    const ActingAs acting(find_server_user(owner));
    // What is named twice counts the last time.
    return std::make_unique<ServerConnection>(
        conninfo + " user=" + owner, ServerConnection::Kind::sql, [] {}, [](const std::string&) {});
}

std::string setting(ServerConnection& server, const std::string& name) {
    const ServerRows rows = server.query("SELECT current_setting($1, true)", {name});
    return rows.size() == 1 ? rows.text(0, 0) : "";
}

/// Nothing is lost where such a command is replaced. The server hides what it would run as "(disabled)".
bool archives_nothing(const ArchiveCommand& command) {
    return command.kind == ArchiveCommand::Kind::empty || command.kind == ArchiveCommand::Kind::discards ||
           command.program == "disabled";
}

ServerStep role_step(const std::string& role) {
    const std::string name = sql_name(role);
    return {
        "the uploader's role: to make backups, to see how archiving is doing, for check --switch",
        {"CREATE ROLE " + name + " LOGIN REPLICATION", "GRANT pg_monitor, pg_read_server_files TO " + name,
         "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean), "
         "pg_show_all_file_settings(), pg_switch_wal(), pg_create_restore_point(text) TO " +
             name,
         "GRANT SELECT ON pg_file_settings TO " + name}};
}

}  // namespace

ServerSetup look_at_server(const std::string& conninfo, const std::string& owner, const std::string& role) {
    ServerSetup found;
    try {
        const auto server = connect(conninfo, owner);
        found.archive_mode = setting(*server, "archive_mode");
        found.archive_command = setting(*server, "archive_command");
        found.archive_library = setting(*server, "archive_library");
        found.archive_timeout = setting(*server, "archive_timeout");
        const ServerRows rows = server->query("SELECT pg_is_in_recovery()");
        found.in_recovery = rows.text(0, 0) == "t";
        found.role_exists = server->query("SELECT 1 FROM pg_roles WHERE rolname = $1", {role}).size() > 0;
        found.reached = true;
    } catch (const Error& error) {
        found.problem = error.message();
    }
    return found;
}

ServerPlan plan_server(const ServerSetup& server, const std::string& role, const std::string& program,
                       const std::string& spool) {
    ServerPlan plan;
    if (!server.role_exists && !server.in_recovery) plan.steps.push_back(role_step(role));
    const auto set = [&](const char* why, const char* name, const std::string& value) {
        plan.steps.push_back({why, {"ALTER SYSTEM SET " + std::string(name) + " = " + sql_literal(value)}});
    };
    if (server.archive_mode == "off" || !server.reached) {
        set("takes a restart", "archive_mode", "on");
        plan.needs_restart = true;
    }
    if (!server.archive_library.empty())
        set("it would be asked instead of archive_command", "archive_library", "");
    const ArchiveCommand now = parse_archive_command(server.archive_command);
    if (!now.fills(spool)) {
        set("each finished segment goes to the spool", "archive_command",
            compose_archive_command(program, spool));
        // Another spool's too: it may be that this is the server of another cluster.
        if (!archives_nothing(now)) plan.other_command = server.archive_command;
    }
    if (server.archive_timeout == "0" || !server.reached)
        set("at most a minute of changes is on this host alone", "archive_timeout", "60s");
    return plan;
}

void apply_plan(const ServerPlan& plan, const std::string& conninfo, const std::string& owner) {
    if (plan.steps.empty()) return;
    const auto server = connect(conninfo, owner);
    static constexpr std::chrono::seconds limit{30};
    for (const ServerStep& step : plan.steps) {
        std::string command;
        for (const std::string& statement : step.statements) command += statement + ";";
        server->send(command);
        server->finish(limit);
    }
    server->query("SELECT pg_reload_conf()");
}

std::vector<std::string> listening_ports() {
    std::vector<std::string> ports;
    static constexpr std::string_view begin = ".s.PGSQL.";
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/var/run/postgresql"), &::closedir);
    if (!directory) return ports;
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        if (name.starts_with(begin) && !name.ends_with(".lock"))
            ports.emplace_back(name.substr(begin.size()));
    }
    std::sort(ports.begin(), ports.end());
    return ports;
}

}  // namespace walferry
