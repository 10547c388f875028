#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/error.hpp"
#include "common/spool_paths.hpp"
#include "console/catalogue.hpp"
#include "host/check/look.hpp"
#include "host/check/server_program.hpp"
#include "server/archive_command.hpp"
#include "server/programs.hpp"

namespace walferry::check {
namespace {

bool in_group(const std::vector<gid_t>& groups, gid_t primary, gid_t wanted) {
    return primary == wanted || std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

std::string group_name(gid_t gid) {
    const group* entry = ::getgrgid(gid);
    return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

void judge_groups(const CheckContext& context, const struct stat& spool, console::Findings& findings) {
    const server::ServerUser& user = *context.users.server;
    const std::string group = group_name(spool.st_gid);
    const auto& process = context.server ? context.server->process : std::nullopt;
    if (process && process->uid != spool.st_uid) {
        findings.fail(
            console::finding_id::server_group,
            "the spool belongs to the user with number " + std::to_string(spool.st_uid) +
                ", and the server runs as the one with number " + std::to_string(process->uid),
            "walferry init --owner " + std::to_string(process->uid) + " --group " + group + ", as root");
        return;
    }
    const bool member = in_group(user.groups, user.gid, spool.st_gid);
    const bool running = process && in_group(process->groups, process->gid, spool.st_gid);
    if (member || running) {
        findings.pass(console::finding_id::server_group,
                      "the server's user " + user.name + " is in the spool's group " + group);
    } else {
        // Where the server is not to be seen it may run in a container, whose users are not this host's.
        findings.add(console::finding_id::server_group,
                     process ? console::Verdict::failed : console::Verdict::warning,
                     "the server's user " + user.name + " is not in the spool's group " + group,
                     "usermod --append --groups " + group + " " + user.name +
                         "; then restart the server when you can");
    }
    if (!process) {
        findings.skip(console::finding_id::running_server_group,
                      "the running server's groups are not to be seen from here");
    } else if (running) {
        findings.pass(console::finding_id::running_server_group, "the running server has the group " + group);
    } else if (member) {
        findings.warn(console::finding_id::running_server_group,
                      "the running server does not have the group " + group +
                          " yet: archiving works meanwhile, its records wait for the next drain");
    }
}

void try_program(const CheckContext& context, const std::string& path, console::Findings& findings) {
    const ServerState& state = *context.server;
    const server::ArchiveCommand command = server::parse_archive_command(state.archive_command);
    if (command.program.empty() || state.archive_mode == "off") return;
    const std::string program = find_program(command.program, path, state.data_directory);
    const std::string user = context.users.server->name;
    if (program.empty()) {
        findings.fail(console::finding_id::archive_program, "there is no " + command.program + " that " +
                                                                user + " can run in the server's PATH (" +
                                                                path + ")");
        return;
    }
    if (command.kind != server::ArchiveCommand::Kind::push) {
        if (::access(program.c_str(), X_OK) != 0)
            findings.fail(console::finding_id::archive_program,
                          user + " cannot run " + program + ": " + std::strerror(errno));
        return;
    }
    const server::ProgramAnswer answer = server::run_as(*context.users.server, {program, "--version"});
    if (answer.exit_code == 0 && answer.out.starts_with("walferry-archive-push")) {
        findings.pass(console::finding_id::archive_program, user + " can run " + program);
    } else if (::access(program.c_str(), X_OK) != 0) {
        findings.fail(console::finding_id::archive_program,
                      user + " cannot run " + program + ": " + std::strerror(errno));
    } else {
        findings.fail(console::finding_id::archive_program,
                      program + " is not walferry-archive-push: asked for its version it ended with " +
                          std::to_string(answer.exit_code) + " and " +
                          (answer.out.empty() ? "said nothing" : "said " + answer.out));
    }
}

/// Leaves nothing behind: the file never gets a name.
void try_spool(const CheckContext& context, console::Findings& findings) {
    const SpoolPaths spool(context.settings.spool);
    const std::string user = context.users.server->name;
    for (const std::string& directory : {spool.ready(), spool.tmp()}) {
        int fd = ::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
            fd = ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0
                     ? ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                     : -1;
        if (fd < 0) {
            findings.fail(console::finding_id::server_spool_access,
                          user + " cannot write in " + directory + ": " + std::strerror(errno));
            return;
        }
        ::close(fd);
    }
    findings.pass(console::finding_id::server_spool_access, user + " can write in " + spool.ready());
}

}  // namespace

void look_at_server_access(const CheckContext& context, console::Findings& findings, Facts&) {
    struct stat spool {};
    const bool exists = ::stat(context.settings.spool.c_str(), &spool) == 0;
    if (!context.users.server) {
        findings.skip(console::finding_id::server_group,
                      "there is no spool and no user postgres to learn the server's user from");
        return;
    }
    if (exists) judge_groups(context, spool, findings);
    if (!context.users.root) {
        findings.skip(console::finding_id::server_spool_access,
                      "what the server's user may do can be tried by root only: sudo walferry check");
        return;
    }
    const bool elsewhere = context.server && server_has_other_root(*context.server);
    const std::string path = context.server ? server_path(*context.server) : std::string();
    server::become(*context.users.server);
    if (elsewhere) {
        findings.skip(console::finding_id::archive_program,
                      "the server runs in a container or chroot, whose programs are not this host's");
    } else if (context.server) {
        try_program(context, path, findings);
    }
    if (exists) try_spool(context, findings);
}

}  // namespace walferry::check
