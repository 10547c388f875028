#include "restore/recovery_file.hpp"

#include <cstdlib>

#include "restore/server_configuration.hpp"
#include "server/setting_line.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::server;
using namespace walferry::test;

namespace {

std::string value_of(const RecoverySettings& settings, const std::string& name) {
    const std::string text = recovery_file_text(settings);
    std::string value = "missing";
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        const auto line = SettingLine::parse(text.substr(at, text.find('\n', at) - at));
        if (line && line->name == name) value = line->value;
    }
    return value;
}

RecoverySettings to(TargetKind kind, TargetAction action) {
    RecoverySettings settings{"get %f %p", {}, "2", "backup X"};
    settings.target.kind = kind;
    settings.target.action = action;
    return settings;
}

/// postgresql.auto.conf as the end of a recovery leaves it.
std::string after_recovery(const std::string& before) {
    const TempDir dir;
    dir.write("postgresql.auto.conf", before);
    dir.write(std::string(recovery_file), "recovery_target_xid = '7'\n");
    REQUIRE(std::system(("cd '" + dir.path() + "' && " + recovery_end_command()).c_str()) == 0);
    CHECK(read_file(dir / std::string(recovery_file)).empty());
    return read_file(dir / "postgresql.auto.conf");
}

}  // namespace

TEST_CASE("a server that pauses at its target lets clients read, whatever it was configured to do") {
    CHECK(value_of(to(TargetKind::time, TargetAction::pause), "hot_standby") == "on");
    CHECK(value_of(to(TargetKind::time, TargetAction::promote), "hot_standby") == "off");
    CHECK(value_of(to(TargetKind::latest, TargetAction::pause), "hot_standby") == "off");
}

TEST_CASE("everything that decides where recovery ends is in a file of its own") {
    const RecoverySettings settings = to(TargetKind::immediate, TargetAction::promote);
    CHECK(value_of(settings, "restore_command") == "get %f %p");
    CHECK(value_of(settings, "recovery_target_timeline") == "2");
    CHECK(value_of(settings, "recovery_target") == "immediate");
    CHECK(value_of(settings, "recovery_target_action") == "promote");
    CHECK(value_of(settings, "archive_cleanup_command").empty());
}

TEST_CASE("at the end of recovery nothing of it is left") {
    CHECK(after_recovery("work_mem = '8MB'\nrestore_command = 'mine'\n" + recovery_include()) ==
          "work_mem = '8MB'\nrestore_command = 'mine'\n\n");
    CHECK(after_recovery(recovery_include()) == "\n");
    CHECK(after_recovery("").empty());
}

TEST_CASE("nor where ALTER SYSTEM during a pause has copied it into postgresql.auto.conf") {
    std::string copied = "restore_command = 'mine'\n";
    const std::string text = recovery_file_text(to(TargetKind::time, TargetAction::pause));
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        if (text[at] != '#') copied += text.substr(at, text.find('\n', at) + 1 - at);
    }
    const std::string left = after_recovery(copied + "work_mem = '8MB'\n");
    CHECK(left == "restore_command = 'mine'\nwork_mem = '8MB'\n");
}

TEST_CASE("the end of recovery is not stopped by what cannot be written") {
    const TempDir dir;  // without pg_wal, and without postgresql.auto.conf
    CHECK(std::system(
              ("cd '" + dir.path() + "' && { " + recovery_end_command() + "; } 2>/dev/null").c_str()) == 0);
}

TEST_CASE("where WAL behind the target may be refused the server does not read ahead of what it replays") {
    RecoverySettings settings;
    CHECK(recovery_file_text(settings).find("recovery_prefetch") == std::string::npos);
    settings.read_ahead = false;
    CHECK(recovery_file_text(settings).find("recovery_prefetch = 'off'\n") != std::string::npos);
}
