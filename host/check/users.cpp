#include "host/check/users.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "common/error.hpp"
#include "common/spool/spool_lock.hpp"
#include "common/spool_paths.hpp"

namespace walferry::check {
namespace {

std::optional<gid_t> group_called(const std::string& text) {
    if (const group* entry = ::getgrnam(text.c_str())) return entry->gr_gid;
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos || text.size() > 9)
        return std::nullopt;
    return static_cast<gid_t>(std::stoul(text));
}

server::ServerUser named_uploader(const std::string& option) {
    const auto colon = option.find(':');
    std::optional<gid_t> group;
    if (colon != std::string::npos) {
        group = group_called(option.substr(colon + 1));
        if (!group)
            throw Error(ErrorKind::usage, "--uploader " + option + ": there is no such group",
                        "USER or USER:GROUP, by names or numbers");
    }
    const auto user = server::find_user(option.substr(0, colon), group);
    if (!user) {
        throw Error(ErrorKind::usage, "--uploader " + option + ": there is no such user on this host",
                    "USER or USER:GROUP, by names or numbers; a number without a user needs a group");
    }
    return *user;
}

/// Members by the group's own list, and by their primary group.
std::set<std::string> members_of(gid_t gid) {
    std::set<std::string> names;
    if (const group* entry = ::getgrgid(gid)) {
        for (char** name = entry->gr_mem; *name != nullptr; ++name) names.insert(*name);
    }
    ::setpwent();
    while (const passwd* entry = ::getpwent()) {
        if (entry->pw_gid == gid) names.insert(entry->pw_name);
    }
    ::endpwent();
    return names;
}

void find_uploader(Users& users, const SpoolTraces& spool, const std::string& option) {
    if (!option.empty()) {
        users.uploader = named_uploader(option);
        users.uploader_from = "named by --uploader";
        return;
    }
    if (spool.drain && spool.drain->uid != 0) {
        users.uploader = server::find_user(std::to_string(spool.drain->uid), spool.drain->gid);
        users.uploader_from = "a drain is at work as that user";
        return;
    }
    if ((users.uploader = server::find_user("walferry"))) {
        users.uploader_from = "the package's user";
        return;
    }
    if (!spool.owner) {
        users.uploader_from = "there is neither a user walferry nor a spool to learn it from";
        return;
    }
    std::set<std::string> names = members_of(spool.owner->gid);
    if (users.server) names.erase(users.server->name);
    names.erase("root");
    if (names.size() == 1) users.uploader = server::find_user(*names.begin());
    users.uploader_from = names.size() == 1
                              ? "the only other member of the spool's group"
                              : "there is no user walferry, and the spool's group has " +
                                    std::to_string(names.size()) + " members beside the server's user";
}

}  // namespace

SpoolTraces trace_users(const std::string& spool) {
    SpoolTraces traces;
    struct stat status {};
    if (::stat(spool.c_str(), &status) != 0) return traces;
    traces.owner = {status.st_uid, status.st_gid};
    const auto holder = find_lock_holder(spool);
    struct stat process {};
    if (holder && ::stat(("/proc/" + std::to_string(holder->pid)).c_str(), &process) == 0)
        traces.drain = {process.st_uid, process.st_gid};
    return traces;
}

Users find_users(const SpoolTraces& spool, const std::string& uploader_option) {
    Users users;
    users.root = ::geteuid() == 0;
    if (spool.owner && spool.owner->uid != 0)
        users.server = server::find_user(std::to_string(spool.owner->uid), spool.owner->gid);
    if (users.server && ::getpwuid(users.server->uid) != nullptr)
        users.server =
            server::find_user(users.server->name);  // as it is on this host, without the spool's group
    if (!users.server) users.server = server::find_user("postgres");
    if (users.root) {
        find_uploader(users, spool, uploader_option);
        return users;
    }
    if (!uploader_option.empty())
        throw Error(ErrorKind::usage, "only root can try what another user may do (--uploader)",
                    "run this as root, or as the uploader's user without that option");
    users.uploader = server::find_user(std::to_string(::geteuid()), ::getegid());
    users.uploader_from = "who runs this check";
    return users;
}

}  // namespace walferry::check
