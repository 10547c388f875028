#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "common/error.hpp"
#include "common/spool.hpp"
#include "uploader/check/archive_command.hpp"
#include "uploader/check/catalogue.hpp"
#include "uploader/check/look.hpp"
#include "uploader/restore/server_access.hpp"

namespace walferry {
namespace {

constexpr const char* usual_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool in_group(const std::vector<gid_t>& groups, gid_t primary, gid_t wanted) {
    return primary == wanted || std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

std::string group_name(gid_t gid) {
    const group* entry = ::getgrgid(gid);
    return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

/// PATH of the running server, as far as root may read it.
std::string server_path(const ServerState& state) {
    if (!state.process || state.process->pid <= 0) return {};
    std::ifstream file("/proc/" + std::to_string(state.process->pid) + "/environ", std::ios::binary);
    std::string variable;
    while (std::getline(file, variable, '\0')) {
        if (variable.starts_with("PATH=")) return variable.substr(5);
    }
    return {};
}

/// As sh finds it; a name with a slash is seen from the data directory.
std::string find_program(const std::string& name, const std::string& path,
                         const std::string& data_directory) {
    if (name.find('/') != std::string::npos)
        return name.front() == '/' || data_directory.empty() ? name : data_directory + "/" + name;
    std::istringstream folders(path);
    std::string folder;
    while (std::getline(folders, folder, ':')) {
        const std::string candidate = folder + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

void judge_groups(const CheckContext& context, const struct stat& spool, Findings& findings) {
    const ServerUser& user = *context.users.server;
    const std::string group = group_name(spool.st_gid);
    const auto& process = context.server ? context.server->process : std::nullopt;
    if (process && process->uid != spool.st_uid) {
        findings.fail(
            finding_id::server_group,
            "the spool belongs to the user with number " + std::to_string(spool.st_uid) +
                ", and the server runs as the one with number " + std::to_string(process->uid),
            "walferry init --owner " + std::to_string(process->uid) + " --group " + group + ", as root");
        return;
    }
    const bool member = in_group(user.groups, user.gid, spool.st_gid);
    const bool running = process && in_group(process->groups, process->gid, spool.st_gid);
    if (member || running) {
        findings.pass(finding_id::server_group,
                      "the server's user " + user.name + " is in the spool's group " + group);
    } else {
        // Where the server is not to be seen it may run in a container, whose users are not this host's.
        findings.add(finding_id::server_group, process ? Verdict::failed : Verdict::warning,
                     "the server's user " + user.name + " is not in the spool's group " + group,
                     "usermod --append --groups " + group + " " + user.name +
                         "; then restart the server when you can");
    }
    if (!process) {
        findings.skip(finding_id::running_server_group,
                      "the running server's groups are not to be seen from here");
    } else if (running) {
        findings.pass(finding_id::running_server_group, "the running server has the group " + group);
    } else if (member) {
        findings.warn(finding_id::running_server_group,
                      "the running server does not have the group " + group +
                          " yet: archiving works meanwhile, its records wait for the next drain");
    }
}

void try_program(const CheckContext& context, const std::string& path, Findings& findings) {
    const ServerState& state = *context.server;
    const std::string name = parse_archive_command(state.archive_command).program;
    if (name.empty() || state.archive_mode == "off") return;
    const std::string program = find_program(name, path.empty() ? usual_path : path, state.data_directory);
    const std::string user = context.users.server->name;
    if (program.empty()) {
        findings.fail(finding_id::archive_program, "there is no " + name + " that " + user +
                                                       " can run in the server's PATH (" +
                                                       (path.empty() ? std::string(usual_path) : path) + ")");
        return;
    }
    if (parse_archive_command(state.archive_command).kind != ArchiveCommand::Kind::push) return;
    const ProgramAnswer answer = run_as(*context.users.server, {program, "--version"});
    if (answer.exit_code == 0 && answer.out.starts_with("walferry-archive-push")) {
        findings.pass(finding_id::archive_program, user + " can run " + program);
    } else if (::access(program.c_str(), X_OK) != 0) {
        findings.fail(finding_id::archive_program,
                      user + " cannot run " + program + ": " + std::strerror(errno));
    } else {
        findings.fail(finding_id::archive_program,
                      program + " is not walferry-archive-push: asked for its version it ended with " +
                          std::to_string(answer.exit_code) + " and " +
                          (answer.out.empty() ? "said nothing" : "said " + answer.out));
    }
}

/// Leaves nothing behind: the file never gets a name.
void try_spool(const CheckContext& context, Findings& findings) {
    const SpoolPaths spool(context.settings.spool);
    const std::string user = context.users.server->name;
    for (const std::string& directory : {spool.ready(), spool.tmp()}) {
        int fd = ::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
            fd = ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0
                     ? ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                     : -1;
        if (fd < 0) {
            findings.fail(finding_id::server_spool_access,
                          user + " cannot write in " + directory + ": " + std::strerror(errno));
            return;
        }
        ::close(fd);
    }
    findings.pass(finding_id::server_spool_access, user + " can write in " + spool.ready());
}

}  // namespace

void look_at_server_access(const CheckContext& context, Findings& findings, Facts&) {
    struct stat spool {};
    const bool exists = ::stat(context.settings.spool.c_str(), &spool) == 0;
    if (!context.users.server) {
        findings.skip(finding_id::server_group,
                      "there is no spool and no user postgres to learn the server's user from");
        return;
    }
    if (exists) judge_groups(context, spool, findings);
    if (!context.users.root) {
        findings.skip(finding_id::server_spool_access,
                      "what the server's user may do can be tried by root only: sudo walferry check");
        return;
    }
    const std::string path = context.server ? server_path(*context.server) : std::string();
    become(*context.users.server);
    if (context.server) try_program(context, path, findings);
    if (exists) try_spool(context, findings);
}

}  // namespace walferry
