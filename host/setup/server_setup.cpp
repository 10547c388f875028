#include "host/setup/server_setup.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "common/error.hpp"
#include "host/setup/role_rights.hpp"
#include "server/alter_system.hpp"
#include "server/archive_command.hpp"
#include "server/conninfo.hpp"
#include "server/server_connection.hpp"
#include "server/server_user.hpp"
#include "server/sql_text.hpp"

namespace walferry::setup {
namespace {

/// Peer authentication asks who connects, so that is done as the server's user.
std::unique_ptr<server::ServerConnection> connect(const std::string& conninfo, const std::string& owner) {
    const std::string as_owner = server::with_user(conninfo, owner);
    const server::ActingAs acting(server::find_server_user(owner));
    return std::make_unique<server::ServerConnection>(
        as_owner, server::ServerConnection::Kind::sql, [] {}, [](const std::string&) {});
}

std::string setting(server::ServerConnection& server, const std::string& name) {
    const server::ServerRows rows = server.query("SELECT current_setting($1, true)", {name});
    return rows.size() == 1 ? rows.text(0, 0) : "";
}

/// What archive_command would be were archive_mode on: until then the server shows it as "(disabled)".
std::string configured_command(server::ServerConnection& server) {
    const server::ServerRows rows =
        server.query("SELECT reset_val FROM pg_settings WHERE name = 'archive_command'");
    return rows.size() == 1 ? rows.text(0, 0) : "";
}

std::set<std::string> waiting_for_restart(server::ServerConnection& server) {
    const server::ServerRows rows = server.query("SELECT name FROM pg_settings WHERE pending_restart");
    std::set<std::string> names;
    for (int row = 0; row < rows.size(); ++row) names.insert(rows.text(row, 0));
    return names;
}

std::vector<std::string> missing_of_role(server::ServerConnection& server, const std::string& role) {
    const server::ServerRows rows = server.query(role_rights_query(), {role});
    std::vector<bool> has;
    if (rows.size() == 1) {
        for (int column = 0; column < rows.columns(); ++column) has.push_back(rows.text(0, column) == "t");
    }
    return role_statements(role, has);
}

bool archives_nothing(const server::ArchiveCommand& command) {
    return command.kind == server::ArchiveCommand::Kind::empty ||
           command.kind == server::ArchiveCommand::Kind::discards;
}

}  // namespace

ServerSetup look_at_server(const std::string& conninfo, const std::string& owner, const std::string& role) {
    ServerSetup found;
    found.role_statements = role_statements(role, {});
    try {
        const auto server = connect(conninfo, owner);
        found.version = server->version();
        found.alter_system = setting(*server, "allow_alter_system") != "off";
        found.archive_mode = setting(*server, "archive_mode");
        found.archive_command = configured_command(*server);
        found.archive_library = setting(*server, "archive_library");
        found.archive_timeout = setting(*server, "archive_timeout");
        found.wal_level = setting(*server, "wal_level");
        const server::ServerRows rows = server->query("SELECT pg_is_in_recovery()");
        found.in_recovery = rows.text(0, 0) == "t";
        found.waiting = waiting_for_restart(*server);
        found.role_statements = missing_of_role(*server, role);
        found.reached = true;
    } catch (const Error& error) {
        found.problem = error.message();
    }
    return found;
}

ServerPlan plan_server(const ServerSetup& server, const std::string& program, const std::string& spool) {
    ServerPlan plan;
    plan.alter_system = server.alter_system;
    if (!server.role_statements.empty() && !server.in_recovery) {
        plan.steps.push_back(
            {"the uploader's role: to make backups, to see how archiving is doing, for check --switch",
             server.role_statements});
    }
    const auto set = [&](const char* why, const char* name, const std::string& value) {
        plan.steps.push_back(
            {why, {"ALTER SYSTEM SET " + std::string(name) + " = " + server::sql_literal(value)}});
    };
    if (server.wal_level == "minimal" && !server.waiting.contains("wal_level"))
        set("with wal_level minimal a server whose archive_mode is on does not start", "wal_level",
            "replica");
    plan.needs_restart = server.archive_mode == "off";
    if (!server.reached || (plan.needs_restart && !server.waiting.contains("archive_mode")))
        set("takes a restart", "archive_mode", "on");
    if (!server.archive_library.empty()) {
        set("it would be asked instead of archive_command", "archive_library", "");
        plan.other_library = server.archive_library;
    }
    const server::ArchiveCommand now = server::parse_archive_command(server.archive_command);
    if (!now.fills(spool)) {
        set("each finished segment goes to the spool", "archive_command",
            server::compose_archive_command(program, spool));
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
        for (const std::string& statement : step.statements) {
            if (plan.alter_system || server::configuration_line(statement).empty())
                command += statement + ";";
        }
        if (command.empty()) continue;
        server->send(command);
        server->finish(limit);
    }
    server->query("SELECT pg_reload_conf()");
}

std::vector<std::string> lines_for_its_file(const ServerPlan& plan) {
    std::vector<std::string> lines;
    if (plan.alter_system) return lines;
    for (const ServerStep& step : plan.steps) {
        for (const std::string& statement : step.statements) {
            const std::string line = server::configuration_line(statement);
            if (line.empty()) continue;
            lines.push_back("# " + step.why);
            lines.push_back(line);
        }
    }
    return lines;
}

bool can_be_backed_up(const ServerSetup& server) {
    return !server.reached || server.version >= 150000;
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

}  // namespace walferry::setup
