#include <sys/stat.h>

#include <algorithm>

#include "common/clock.hpp"
#include "common/shell_word.hpp"
#include "console/catalogue.hpp"
#include "host/check/look.hpp"
#include "server/archive_command.hpp"

namespace walferry::check {
namespace {

using Kind = server::ArchiveCommand::Kind;

constexpr const char* reload = "; SELECT pg_reload_conf();`";

std::string ago(std::int64_t seconds) {
    return format_duration(std::chrono::seconds(std::max<std::int64_t>(seconds, 0))) + " ago";
}

std::string shown_command(const ServerState& state) {
    return "archive_command is \"" + server::without_secrets(state.archive_command) + "\"";
}

/// The program stays the one that is named already.
std::string our_command(const ServerState& state, const Settings& settings) {
    const server::ArchiveCommand now = server::parse_archive_command(state.archive_command);
    return "`" +
           server::set_archive_command(now.kind == Kind::push ? now.program : state.push_program,
                                       settings.spool) +
           "`";
}

/// By name, else by what the kernel finds there: a link may lead to it.
bool is_same_directory(const std::string& one, const std::string& other) {
    struct stat first {};
    struct stat second {};
    return one == other || (::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 &&
                            first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

void judge_spool(const server::ArchiveCommand& command, const ServerState& state, const Settings& settings,
                 console::Findings& findings) {
    const bool by_environment = !command.spool && !state.environment_spool.empty();
    server::ArchiveCommand effective = command;
    if (by_environment) effective.spool = state.environment_spool;
    const std::string spool = effective.filled_spool();
    if (is_same_directory(spool, settings.spool)) {
        findings.pass(console::finding_id::archive_spool,
                      "the server and the uploader use the same spool, " + spool);
        return;
    }
    const std::string from = command.spool    ? "archive_command names "
                             : by_environment ? "WALFERRY_SPOOL in the server's environment names "
                                              : "archive_command names no --spool, so push takes ";
    const std::string found = from + spool + "; the configuration's spool is " + settings.spool;
    if (state.process && !state.has_other_root) {
        findings.fail(console::finding_id::archive_spool, found, our_command(state, settings));
    } else {
        // One directory may have two names, as a container's volume has.
        findings.warn(console::finding_id::archive_spool,
                      found + ", and the server's files are not to be seen from here",
                      "`{walferry} check --switch` shows whether segments arrive; if not: " +
                          our_command(state, settings));
    }
}

void judge_push(const server::ArchiveCommand& command, const ServerState& state, const Settings& settings,
                console::Findings& findings) {
    const std::string shown = shown_command(state);
    if (command.hides_failure) {
        findings.fail(console::finding_id::archive_command,
                      shown + ": what stands behind walferry-archive-push hides its failures from the server",
                      our_command(state, settings));
    } else if (!command.names_segment) {
        findings.fail(console::finding_id::archive_command, shown + ": %p, the segment's path, is missing",
                      our_command(state, settings));
    } else if (command.more_commands) {
        findings.warn(console::finding_id::archive_command,
                      shown +
                          ": other commands beside walferry-archive-push decide too whether a segment counts "
                          "as archived",
                      our_command(state, settings));
    } else {
        findings.pass(console::finding_id::archive_command, shown);
    }
    judge_spool(command, state, settings, findings);
}

void judge_command(const ServerState& state, const Settings& settings, console::Findings& findings) {
    const server::ArchiveCommand command = server::parse_archive_command(state.archive_command);
    const std::string shown = shown_command(state);
    switch (command.kind) {
        case Kind::push:
            judge_push(command, state, settings, findings);
            break;
        case Kind::empty:
            findings.fail(
                console::finding_id::archive_command,
                "archiving is switched off: archive_command is empty, and segments pile up in pg_wal",
                our_command(state, settings));
            break;
        case Kind::discards:
            findings.fail(console::finding_id::archive_command,
                          "archiving is switched off: " + shown + ", which keeps nothing and reports success",
                          our_command(state, settings) +
                              "; then make a base backup: what was written meanwhile is in no archive");
            break;
        case Kind::copies:
            findings.fail(console::finding_id::archive_command,
                          shown + ", which copies without syncing, and not into the spool",
                          our_command(state, settings) + (command.directory.empty()
                                                              ? std::string()
                                                              : "; then, as root: `{walferry} import " +
                                                                    shell_word(command.directory) + "`"));
            break;
        case Kind::other:
            if (state.runs_push_by_script) {
                findings.warn(
                    console::finding_id::archive_command,
                    shown +
                        ", a script that calls walferry-archive-push: whether it hands push's exit "
                        "code on, and which spool it names, is not looked into",
                    "`{walferry} check --switch` shows whether segments arrive; without a script: " +
                        our_command(state, settings));
                break;
            }
            findings.fail(console::finding_id::archive_command,
                          shown + ", which does not run walferry-archive-push", our_command(state, settings));
            break;
    }
}

void judge_archiver(const ServerState& state, const Settings& settings, console::Findings& findings) {
    const std::string last = state.last_archived.empty() ? std::string("nothing has been archived yet")
                                                         : state.last_archived + " was archived " +
                                                               ago(state.archived_ago.value_or(0));
    std::string waits;
    if (state.ready.value_or(0) > 0)
        waits = "; " + counted(static_cast<std::uint64_t>(*state.ready), "file waits", "files wait") +
                " in pg_wal, the oldest " + state.oldest_ready + " since " + ago(state.oldest_ready_age);
    if (state.failing) {
        findings.fail(console::finding_id::archiver, "archiving fails: " + state.last_failed +
                                                         " was refused " + ago(state.failed_ago.value_or(0)) +
                                                         ", " + last + waits);
    } else if (state.ready.value_or(0) > 0 && std::chrono::seconds(state.oldest_ready_age) > settings.rpo) {
        findings.fail(console::finding_id::archiver, "the archiver is stuck: " + last + waits,
                      "see whether archive_command hangs, and the server's log");
    } else if (state.last_archived.empty()) {
        findings.warn(console::finding_id::archiver, last + waits,
                      "`{walferry} check --switch` ends a segment and follows it");
    } else {
        findings.pass(console::finding_id::archiver, last + waits);
    }
}

void judge_timeout(const ServerState& state, const Settings& settings, console::Findings& findings) {
    const auto wanted = std::chrono::duration_cast<std::chrono::seconds>(settings.rpo);
    const std::string asked = "; the configuration's rpo is " + format_duration(wanted);
    const std::string value = "archive_timeout is " + std::to_string(state.archive_timeout) + " s";
    const std::int64_t better = std::clamp<std::int64_t>(wanted.count() / 2, 1, 60);
    const std::string remedy =
        "`ALTER SYSTEM SET archive_timeout = '" + std::to_string(better) + "s'" + reload;
    if (state.archive_timeout == 0) {
        findings.fail(console::finding_id::archive_timeout,
                      "archive_timeout is 0: a segment is archived only when it is full" + asked, remedy);
    } else if (std::chrono::seconds(state.archive_timeout) > settings.rpo) {
        findings.fail(console::finding_id::archive_timeout, value + asked, remedy + "; or raise `rpo`");
    } else {
        findings.pass(console::finding_id::archive_timeout, value + asked);
    }
}

}  // namespace

void judge_server(const ServerState& state, const Settings& settings, console::Findings& findings) {
    if (!state.ready) {
        findings.warn(console::finding_id::server_rights,
                      "the role may not see which segments wait: " + state.hidden);
    }
    if (state.archive_mode == "off") {
        findings.fail(console::finding_id::archive_mode,
                      state.restart_pending ? "archiving is switched off until the server is restarted: "
                                              "archive_mode was changed, and is still off"
                                            : "archiving is switched off: archive_mode is off",
                      state.restart_pending ? "restart the server" : "");
        return;
    }
    if (state.restart_pending) {
        findings.warn(
            console::finding_id::archive_mode,
            "archive_mode is " + state.archive_mode +
                " and was changed: the next restart brings another value",
            "see `SELECT * FROM pg_file_settings WHERE name = 'archive_mode';` and, if it is not meant: "
            "`ALTER SYSTEM SET archive_mode = '" +
                state.archive_mode + "'; SELECT pg_reload_conf();`");
    } else {
        findings.pass(console::finding_id::archive_mode, "archive_mode is " + state.archive_mode);
    }
    if (state.in_recovery && state.archive_mode == "on") {
        findings.skip(console::finding_id::archive_command,
                      "this server is a standby, and archives only with archive_mode = always");
        return;
    }
    if (!state.archive_library.empty()) {
        const bool refuses_both = state.version >= 160000 && !state.archive_command.empty();
        findings.fail(
            console::finding_id::archive_library,
            "archive_library is \"" + state.archive_library + "\", " +
                (refuses_both ? "and archive_command is set too: from PostgreSQL 16 on the archiver "
                                "does not run with both, and nothing is archived"
                              : "and the server does not run archive_command"));
        return;
    }
    judge_command(state, settings, findings);
    judge_archiver(state, settings, findings);
    judge_timeout(state, settings, findings);
}

}  // namespace walferry::check
