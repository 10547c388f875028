#include "server/alter_system.hpp"

#include "server/archive_command.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::server;

TEST_CASE("where ALTER SYSTEM is not allowed, a statement becomes a line of postgresql.conf") {
    CHECK(configuration_line("ALTER SYSTEM SET archive_mode = 'on'") == "archive_mode = 'on'");
    CHECK(configuration_line("ALTER SYSTEM SET archive_command = 'a; b'; SELECT pg_reload_conf();") ==
          "archive_command = 'a; b'");
    CHECK(configuration_line("ALTER SYSTEM SET archive_command = E'a \\\\ b'") ==
          "archive_command = 'a \\\\ b'");
    CHECK(configuration_line("GRANT pg_monitor TO walferry").empty());
}

TEST_CASE("a remedy names lines of postgresql.conf where ALTER SYSTEM is not allowed") {
    const std::string file = "in postgresql.conf (allow_alter_system is off): ";
    CHECK(without_alter_system("`ALTER SYSTEM SET archive_mode = 'on';` and restart the server") ==
          file + "`archive_mode = 'on'` and restart the server");
    CHECK(without_alter_system(
              "`ALTER SYSTEM SET archive_timeout = '60s'; SELECT pg_reload_conf();` or raise it") ==
          file + "`archive_timeout = '60s'`, then `SELECT pg_reload_conf();` or raise it");
    CHECK(without_alter_system("see it: `ALTER SYSTEM SET a = 'it''s; on'; SELECT pg_reload_conf();`") ==
          "see it: " + file + "`a = 'it''s; on'`, then `SELECT pg_reload_conf();`");
    CHECK(without_alter_system("`walferry backup`") == "`walferry backup`");
    CHECK(without_alter_system("`" + set_archive_command("push", "/s/a b") + "`") ==
          file + "`archive_command = 'push --spool ''/s/a b'' %p'`, then `SELECT pg_reload_conf();`");
}
