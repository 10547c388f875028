#include "host/setup/server_setup.hpp"

#include "host/setup/role_rights.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::setup;

namespace {

ServerSetup sound() {
    ServerSetup server;
    server.reached = true;
    server.archive_mode = "on";
    server.archive_command = "/usr/bin/walferry-archive-push %p";
    server.archive_timeout = "1min";
    server.wal_level = "replica";
    return server;
}

ServerPlan plan_of(const ServerSetup& server) {
    return plan_server(server, "/usr/bin/walferry-archive-push", "/var/spool/walferry/main");
}

std::string statements_of(const ServerPlan& plan) {
    std::string all;
    for (const ServerStep& step : plan.steps) {
        for (const std::string& statement : step.statements) all += statement + "\n";
    }
    return all;
}

}  // namespace

TEST_CASE("a server that archives already is told nothing", "[setup]") {
    CHECK(plan_of(sound()).steps.empty());
    ServerSetup options = sound();
    options.archive_command += " --max-spool 10GiB";
    CHECK(plan_of(options).steps.empty());
}

TEST_CASE("what archives elsewhere is not replaced unasked", "[setup]") {
    ServerSetup server = sound();
    server.archive_library = "basic_archive";
    CHECK(plan_of(server).replaces_other());
    CHECK(plan_of(server).other_library == "basic_archive");
    for (const char* command : {"cp %p /a/%f", "walferry-archive-push --spool /elsewhere %p"}) {
        server = sound();
        server.archive_command = command;
        CHECK(plan_of(server).other_command == command);
        // It is somebody's decision, whether it is at work or not.
        server.archive_mode = "off";
        CHECK(plan_of(server).other_command == command);
    }
    for (const char* command : {"", "true", "/bin/true"}) {
        server.archive_command = command;
        CHECK_FALSE(plan_of(server).replaces_other());
    }
}

TEST_CASE("a server starts again with what it was told", "[setup]") {
    ServerSetup server = sound();
    server.archive_mode = "off";
    server.wal_level = "minimal";
    CHECK(plan_of(server).needs_restart);
    CHECK(statements_of(plan_of(server)) ==
          "ALTER SYSTEM SET wal_level = 'replica'\nALTER SYSTEM SET archive_mode = 'on'\n");
    server.waiting = {"wal_level", "archive_mode"};
    CHECK(plan_of(server).needs_restart);
    CHECK(plan_of(server).steps.empty());
}

TEST_CASE("of a server that was not reached, nothing is said to be so", "[setup]") {
    ServerSetup server;
    server.role_statements = role_statements("walferry", {});
    const ServerPlan plan = plan_of(server);
    CHECK_FALSE(plan.needs_restart);
    CHECK_FALSE(plan.replaces_other());
    for (const char* text : {"CREATE ROLE", "archive_mode = 'on'", "archive_command", "archive_timeout"}) {
        CAPTURE(text);
        CHECK(statements_of(plan).find(text) != std::string::npos);
    }
}

TEST_CASE("a server without ALTER SYSTEM has its settings written into its file by a person", "[setup]") {
    ServerSetup server = sound();
    server.archive_command = "";
    server.archive_timeout = "0";
    server.role_statements = role_statements("walferry", {});
    CHECK(lines_for_its_file(plan_of(server)).empty());
    server.alter_system = false;
    CHECK(lines_for_its_file(plan_of(server)) ==
          std::vector<std::string>{"# each finished segment goes to the spool",
                                   "archive_command = '/usr/bin/walferry-archive-push %p'",
                                   "# at most a minute of changes is on this host alone",
                                   "archive_timeout = '60s'"});
}

TEST_CASE("no base backup is promised of a server that is too old for it", "[setup]") {
    ServerSetup server = sound();
    server.version = 140011;
    CHECK_FALSE(can_be_backed_up(server));
    server.version = 150000;
    CHECK(can_be_backed_up(server));
    CHECK(can_be_backed_up(ServerSetup{}));
}

TEST_CASE("a role gets what it lacks", "[setup]") {
    const std::vector<std::string> all = role_statements("it's \"me\"", {});
    REQUIRE(all.size() == 4);
    CHECK(all[0] == "CREATE ROLE \"it's \"\"me\"\"\" LOGIN REPLICATION");
    CHECK(all[1] == "GRANT pg_monitor, pg_read_server_files TO \"it's \"\"me\"\"\"");
    std::vector<bool> has(9, true);
    CHECK(role_statements("walferry", has).empty());
    has[0] = false;
    has[2] = false;
    CHECK(role_statements("walferry", has) ==
          std::vector<std::string>{"ALTER ROLE \"walferry\" LOGIN REPLICATION",
                                   "GRANT pg_read_server_files TO \"walferry\""});
    // A standby takes no statement that changes a role.
    ServerSetup standby = sound();
    standby.in_recovery = true;
    standby.role_statements = all;
    CHECK(plan_of(standby).steps.empty());
}
