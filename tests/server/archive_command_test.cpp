#include "server/archive_command.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::server;
using Kind = ArchiveCommand::Kind;

TEST_CASE("an archive_command that runs walferry-archive-push is recognised however it is written") {
    for (const char* text :
         {"walferry-archive-push %p", "/usr/bin/walferry-archive-push %p",
          "'/opt/my programs/walferry-archive-push' \"%p\"",
          "exec walferry-archive-push-static --max-spool 50G %p", "env LC_ALL=C walferry-archive-push %p",
          "/opt/my\\ programs/walferry-archive-push %p", "walferry-archive-push %p 2>&1",
          "walferry-archive-push %p # as the manual says; true", "timeout 300 walferry-archive-push %p",
          "/usr/bin/nice -n 5 ionice -c 3 /usr/bin/walferry-archive-push %p",
          "env -i PATH=/bin walferry-archive-push %p"}) {
        INFO(text);
        const ArchiveCommand command = parse_archive_command(text);
        CHECK(command.kind == Kind::push);
        CHECK(command.names_segment);
        CHECK_FALSE(command.more_commands);
        CHECK_FALSE(command.hides_failure);
        CHECK_FALSE(command.spool.has_value());
    }
    CHECK(parse_archive_command("'/opt/my programs/walferry-archive-push' %p").program ==
          "/opt/my programs/walferry-archive-push");
    CHECK_FALSE(parse_archive_command("walferry-archive-push %f").names_segment);
}

TEST_CASE("the spool that an archive_command names is found, the option before the environment") {
    const auto spool = [](const char* text) { return parse_archive_command(text).spool.value_or("none"); };
    CHECK(spool("walferry-archive-push --spool /s/a %p") == "/s/a");
    CHECK(spool("walferry-archive-push --spool=/s/a %p") == "/s/a");
    CHECK(spool("walferry-archive-push --spool '/s/a b' %p") == "/s/a b");
    CHECK(spool("WALFERRY_SPOOL=/s/a walferry-archive-push %p") == "/s/a");
    CHECK(spool("env WALFERRY_SPOOL=\"/s/a b\" walferry-archive-push %p") == "/s/a b");
    CHECK(spool("WALFERRY_SPOOL=/s/a walferry-archive-push --spool /s/b %p") == "/s/b");
    CHECK(spool("walferry-archive-push %p") == "none");
}

TEST_CASE("push is found behind the words of a shell, which decide with it") {
    for (const char* text :
         {"if walferry-archive-push %p; then exit 0; else exit 1; fi",
          "! walferry-archive-push %p || exit 0; exit 1", "{ walferry-archive-push %p; }"}) {
        INFO(text);
        CHECK(parse_archive_command(text).kind == Kind::push);
        CHECK(parse_archive_command(text).more_commands);
    }
}

TEST_CASE("a percent sign is what the server makes of it") {
    CHECK(parse_archive_command("walferry-archive-push --spool /s/100%%a %p").spool == "/s/100%a");
    CHECK_FALSE(parse_archive_command("walferry-archive-push %%p").names_segment);
    CHECK(parse_archive_command("walferry-archive-push %%%p").names_segment);
}

TEST_CASE("an archive_command that is composed is understood as it was meant, whatever the paths hold") {
    CHECK(compose_archive_command("walferry-archive-push", "/var/spool/walferry/main/") ==
          "walferry-archive-push %p");
    CHECK(compose_archive_command("/usr/bin/walferry-archive-push", "/srv/spool") ==
          "/usr/bin/walferry-archive-push --spool /srv/spool %p");
    for (const char* spool : {"/srv/a spool", "/srv/it's", "/srv/\"quoted\"", "/srv/100%p", "/srv/a\\b",
                              "/srv/$HOME", "/srv/a;b&c", "/srv/#a", "/srv/%%"}) {
        INFO(spool);
        const ArchiveCommand command =
            parse_archive_command(compose_archive_command("/opt/it's 5%/walferry-archive-push", spool));
        CHECK(command.fills(spool));
        CHECK(command.program == "/opt/it's 5%/walferry-archive-push");
    }
}

TEST_CASE("a statement for the server holds the command as a literal") {
    CHECK(set_archive_command("walferry-archive-push", "/s/a b") ==
          "ALTER SYSTEM SET archive_command = 'walferry-archive-push --spool ''/s/a b'' %p'; SELECT "
          "pg_reload_conf();");
    CHECK(
        set_archive_command("walferry-archive-push", "/s/it's") ==
        R"(ALTER SYSTEM SET archive_command = E'walferry-archive-push --spool ''/s/it''\\''''s'' %p'; SELECT pg_reload_conf();)");
}

TEST_CASE("an archive_command fills a spool when push decides alone") {
    const auto fills = [](const char* text) { return parse_archive_command(text).fills("/s/a"); };
    CHECK(fills("walferry-archive-push --spool /s/a/ --max-spool 50G %p"));
    CHECK_FALSE(fills("walferry-archive-push %p"));
    CHECK_FALSE(fills("walferry-archive-push --spool /s/a"));
    CHECK_FALSE(fills("walferry-archive-push --spool /s/a %p || true"));
    CHECK_FALSE(fills("walferry-archive-push --spool /s/a %p && cp %p /mnt/%f"));
    CHECK_FALSE(fills("cp %p /s/a/%f"));
}

TEST_CASE("an archive_command that archives nothing is told from one that does") {
    for (const char* text : {"", " ", ";"}) CHECK(parse_archive_command(text).kind == Kind::empty);
    for (const char* text : {"true", "/bin/true", "/usr/bin/true", ":", "exit 0", "true; true", "exit"}) {
        INFO(text);
        CHECK(parse_archive_command(text).kind == Kind::discards);
    }
    for (const char* text : {"false", "exit 1", "wal-g wal-push %p", "true && mine %p"}) {
        INFO(text);
        CHECK(parse_archive_command(text).kind == Kind::other);
    }
}

TEST_CASE("what makes push's failures vanish is noticed") {
    for (const char* text : {"walferry-archive-push %p || true", "walferry-archive-push %p; true",
                             "walferry-archive-push %p; exit 0", "walferry-archive-push %p | logger",
                             "walferry-archive-push %p &", "walferry-archive-push %p || exit",
                             "walferry-archive-push %p || logger failed"}) {
        INFO(text);
        CHECK(parse_archive_command(text).hides_failure);
    }
    for (const char* text :
         {"walferry-archive-push %p && cp %p /mnt/%f", "walferry-archive-push %p;",
          "walferry-archive-push %p || exit 1", "walferry-archive-push %p; exit $?",
          "test -f %p && walferry-archive-push %p", "walferry-archive-push %p >>/tmp/log 2>&1"}) {
        INFO(text);
        CHECK_FALSE(parse_archive_command(text).hides_failure);
    }
    CHECK(parse_archive_command("walferry-archive-push %p && cp %p /mnt/%f").more_commands);
}

TEST_CASE("an archive_command that copies says where to") {
    const auto directory = [](const char* text) {
        const ArchiveCommand command = parse_archive_command(text);
        return command.kind == Kind::copies ? command.directory : "not a copy";
    };
    CHECK(directory("cp %p /archive/%f") == "/archive");
    CHECK(directory("test ! -f /archive/%f && cp %p /archive/%f") == "/archive");
    CHECK(directory("cp -i %p '/mnt/my archive/%f' </dev/null") == "/mnt/my archive");
    CHECK(directory("rsync -a %p /archive/") == "/archive");
    CHECK(directory("install -m 600 %p \"/archive/%f\"") == "/archive");
    CHECK(directory("rsync -a %p backup:/archive/%f") == "");
    CHECK(directory("gzip <%p >/archive/%f.gz") == "/archive");
    CHECK(directory("dd if=%p of=/archive/%f") == "/archive");
}

TEST_CASE("quotes and backslashes that never end do no harm") {
    for (const char* text : {"'walferry-archive-push %p", "\"", "\\", "a\\", "'", "&&", "||;", "&", "((", "#",
                             "a=b", "exec", "env"}) {
        INFO(text);
        CHECK_NOTHROW(parse_archive_command(text));
    }
}

TEST_CASE("what is shown of a command holds no secret") {
    CHECK(without_secrets("AWS_SECRET_ACCESS_KEY=hunter2 wal-g wal-push %p") ==
          "AWS_SECRET_ACCESS_KEY=… wal-g wal-push %p");
    CHECK(without_secrets("push --password hunter2 --level 3 %p") == "push --password … --level 3 %p");
    CHECK(without_secrets("push --api-token=hunter2 %p") == "push --api-token=… %p");
    CHECK(without_secrets("curl -T %p https://me:hunter2@host/wal/%f") == "curl -T %p https://…@host/wal/%f");
    for (const char* plain : {"", "cp %p /archive/%f", "test ! -f /a/%f && cp %p /a/%f",
                              "scp %p me@host:/wal/%f", "curl https://host/a@b"}) {
        CHECK(without_secrets(plain) == plain);
    }
}
