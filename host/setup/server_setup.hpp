#pragma once
#include <set>
#include <string>
#include <vector>

namespace walferry::setup {

/// What the server says about archiving, and what there is still to do in it.
struct ServerSetup {
    bool reached = false;
    int version = 0;  // 150014
    bool alter_system = true;
    std::string problem;  // why it was not
    std::string archive_mode, archive_library, archive_timeout, wal_level;
    std::string archive_command;    // as configured: the server runs none while archive_mode is off
    std::set<std::string> waiting;  // settings that were changed and wait for a restart
    bool in_recovery = false;
    std::vector<std::string> role_statements;  // for what the uploader's role still lacks
};

/// What the server is to be told: statements that take effect together, and what they are for.
struct ServerStep {
    std::string why;
    std::vector<std::string> statements;
};
struct ServerPlan {
    std::vector<ServerStep> steps;
    bool alter_system = true;    // else its settings stand in its files alone: allow_alter_system is off
    bool needs_restart = false;  // archive_mode is off in the running server
    // What somebody has configured to archive, and the steps put an end to.
    std::string other_command, other_library;

    bool replaces_other() const { return !other_command.empty() || !other_library.empty(); }
};

/// Asks as the server's user, which is its superuser too unless somebody decided otherwise. `role`: what the
/// uploader logs in as. Never throws for a server that does not answer.
ServerSetup look_at_server(const std::string& conninfo, const std::string& owner, const std::string& role);

/// `program`: the push that is to fill `spool`. A command that does so already stays as it is, with its
/// options. Of a server that was not reached nothing is known, so that all of it is in the plan.
ServerPlan plan_server(const ServerSetup& server, const std::string& program, const std::string& spool);

/// Carries the plan out, settings only as far as the server takes them, and has it read them again. Throws
/// server.
void apply_plan(const ServerPlan& plan, const std::string& conninfo, const std::string& owner);

/// What a person has to write into postgresql.conf: a comment and a line for each setting in the plan. Empty
/// where the server takes ALTER SYSTEM.
std::vector<std::string> lines_for_its_file(const ServerPlan& plan);

/// Base backups are made of PostgreSQL 15 and later. A server that was not reached counts as one.
bool can_be_backed_up(const ServerSetup& server);

/// Where the running servers of this host listen: the ports in the names of their sockets in
/// /var/run/postgresql.
std::vector<std::string> listening_ports();

}  // namespace walferry::setup
