#include "restore/server_configuration.hpp"

#include "common/shell_word.hpp"
#include "restore/restore_command.hpp"
#include "server/setting_line.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::server;

namespace {

MovedServer moved_server() {
    return {"/var/lib/postgresql/15/main", "/new/data",
            [](const std::string& path) {
                const bool came = path.starts_with("/etc/postgresql/15/main") && !path.ends_with("lost.conf");
                return came ? std::optional("/new/data/walferry-config" + path) : std::nullopt;
            },
            [](const std::string& path) { return path == "/etc/ssl/here.pem"; }};
}

MovedConfiguration moved(const std::string& text,
                         const std::string& path = "/etc/postgresql/15/main/postgresql.conf") {
    return move_configuration(text, path, moved_server());
}

/// Without the lines that are kept as comments.
std::string in_force(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        if (text[at] != '#') result += text.substr(at, end + 1 - at);
        at = end + 1;
    }
    return result;
}

}  // namespace

TEST_CASE("a line of postgresql.conf is read as the server reads it") {
    const auto value = [](const char* line) { return SettingLine::parse(line)->value; };
    CHECK(SettingLine::parse("  Port = 5432 # usual")->name == "port");
    CHECK(value("port=5432#x") == "5432");
    CHECK(value("port 5432") == "5432");
    CHECK(value("a = 'it''s'  # not") == "it's");
    CHECK(value("a = 'it\\'s'") == "it's");
    CHECK(value("a = ''").empty());
    for (const char* line : {"", "   ", "# port = 1", "port =", "= 1", "a = 'open"})
        CHECK_FALSE(SettingLine::parse(line));
}

TEST_CASE("what a value needs is quoted, and read back as it was") {
    for (const char* text : {"", "plain", "it's", "back\\slash", "both\\'", "%f"})
        CHECK(SettingLine::parse("a = " + quote_setting(text))->value == text);
}

TEST_CASE("nothing of a moved configuration points to the old data directory") {
    const auto after = moved(
        "data_directory = '/var/lib/postgresql/15/main'\n"
        "hba_file = '/etc/postgresql/15/main/pg_hba.conf'\n"
        "ident_file='/etc/postgresql/15/main/pg_ident.conf'\n"
        "external_pid_file = '/var/run/postgresql/15-main.pid'\n"
        "Log_Directory = '/var/lib/postgresql/15/main/log'\n"
        "port = 5432\n"
        "cluster_name = '/var/lib/postgresql/15/mainland'\n");
    CHECK(in_force(after.text) ==
          "log_directory = '/new/data/log'\nport = 5432\n"
          "cluster_name = '/var/lib/postgresql/15/mainland'\n");
    CHECK(after.text.find("# before the restore: data_directory") != std::string::npos);
    CHECK(after.notes.empty());
}

TEST_CASE("included files are found where they are now, and those that did not come are left out") {
    const auto after = moved(
        "include_dir = 'conf.d'\n"
        "include '/etc/postgresql/15/main/extra.conf'\n"
        "include_if_exists = '/etc/elsewhere.conf'\n"
        "include '/etc/lost.conf'\n");
    CHECK(
        in_force(after.text) ==
        "include_dir = 'conf.d'\ninclude = '/new/data/walferry-config/etc/postgresql/15/main/extra.conf'\n");
    CHECK(after.included ==
          std::vector<std::string>{"/etc/postgresql/15/main/conf.d", "/etc/postgresql/15/main/extra.conf"});
    REQUIRE(after.notes.size() == 1);
    CHECK(after.notes[0].find("/etc/lost.conf") != std::string::npos);
}

TEST_CASE("a configuration in the data directory includes what is beside it") {
    const auto after = moved("include 'more.conf'\ninclude '/var/lib/postgresql/15/main/abs.conf'\n",
                             "/var/lib/postgresql/15/main/postgresql.conf");
    CHECK(in_force(after.text) == "include 'more.conf'\ninclude = '/new/data/abs.conf'\n");
}

TEST_CASE("paths inside lists are moved too, and commands that name the old place are named") {
    const auto after = moved(
        "unix_socket_directories = '/run/postgresql, /var/lib/postgresql/15/main/run'\n"
        "dynamic_library_path = '$libdir:/var/lib/postgresql/15/main/lib'\n"
        "shared_preload_libraries = '\"/var/lib/postgresql/15/main/a b.so\", auto_explain'\n"
        "archive_command = 'test -e /var/lib/postgresql/15/main/pg_wal && cp %p /old/%f'\n"
        "log_line_prefix = '/var/lib/postgresql/15/mainland '\n");
    CHECK(in_force(after.text) ==
          "unix_socket_directories = '/run/postgresql, /new/data/run'\n"
          "dynamic_library_path = '$libdir:/new/data/lib'\n"
          "shared_preload_libraries = '\"/new/data/a b.so\", auto_explain'\n"
          "archive_command = 'test -e /var/lib/postgresql/15/main/pg_wal && cp %p /old/%f'\n"
          "log_line_prefix = '/var/lib/postgresql/15/mainland '\n");
    REQUIRE(after.notes.size() == 2);
    CHECK(after.notes[0].find("/run/postgresql, which is not on this host") != std::string::npos);
    CHECK(after.notes[1].find("archive_command names /var/lib/postgresql/15/main") != std::string::npos);
}

TEST_CASE("what an earlier recovery was told is not in force again, wherever it stands") {
    const auto after = moved(
        "recovery_target_time = '2026-01-01'\nRecovery_Target_Timeline = '3'\n"
        "restore_command = 'mine'\n"
        "# Written by walferry restore: in force while this server recovers, then taken out.\n"
        "include_if_exists = 'pg_wal/walferry-recovery.conf'\n");
    CHECK(in_force(after.text) == "restore_command = 'mine'\n");
    CHECK(after.text.find("walferry-recovery") == std::string::npos);
    CHECK(after.text.find("# before the restore: recovery_target_time") != std::string::npos);
}

TEST_CASE("certificates that are not on this host are said") {
    const auto after = moved(
        "ssl_cert_file = '/etc/ssl/gone.pem'\nssl_key_file = '/etc/ssl/here.pem'\n"
        "ssl_ca_file = 'root.crt'\n");
    REQUIRE(after.notes.size() == 1);
    CHECK(after.notes[0].find("/etc/ssl/gone.pem") != std::string::npos);
}

TEST_CASE("a server that comes back to its place keeps its paths") {
    MovedServer server = moved_server();
    server.new_data_directory = server.old_data_directory;
    CHECK(in_force(
              move_configuration("log_directory = '/var/lib/postgresql/15/main/log'\n", "/etc/p.conf", server)
                  .text) == "log_directory = '/var/lib/postgresql/15/main/log'\n");
}

TEST_CASE("a restore_command survives the shell, the server and its %") {
    RestoreCommand command{"/opt/it's here/walferry-archive-get",
                           "/etc/50%/w.toml",
                           {{"r2"}, {"b2", "a b"}},
                           42,
                           "/var/spool/a b",
                           false};
    CHECK(command.text() ==
          "'/opt/it'\\''s here/walferry-archive-get' --config /etc/50%%/w.toml --only r2 --without b2 "
          "--without 'a b' --spool '/var/spool/a b' --system-identifier 42 \"%f\" \"%p\"");
    command = {"get", "/w.toml", {}, {}, {}, true};
    CHECK(command.text() == "get --config /w.toml --no-spool \"%f\" \"%p\"");
    CHECK(shell_word("").size() == 2);
    CHECK(shell_word("$HOME") == "'$HOME'");
}
