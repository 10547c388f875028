#include "host/setup/spool_users.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "common/error.hpp"
#include "host/setup/units.hpp"
#include "host/spool_setup.hpp"
#include "server/server_user.hpp"

namespace walferry::setup {
namespace {

void need_owner(const std::string& owner) {
    if (::getpwnam(owner.c_str())) return;
    throw Error(ErrorKind::usage, "there is no user " + owner + ", whom the server would run as",
                "name it: --owner USER; or install PostgreSQL first");
}

void need_uploader(const std::string& group) {
    if (::getgrnam(group.c_str()) && ::getpwnam(group.c_str())) return;
    throw Error(
        ErrorKind::usage, "there is no user " + group + " with a group of that name, to run the uploader",
        "the package makes them; by hand: useradd --system --user-group --home-dir /var/spool/walferry "
        "--shell /usr/sbin/nologin " +
            group);
}

std::string name_of(const passwd* user, uid_t number) {
    if (user != nullptr) return user->pw_name;
    throw Error(ErrorKind::usage,
                "the spool belongs to user id " + std::to_string(number) + ", who has no name on this host",
                "--owner USER names the one that the server runs as");
}

std::string name_of(const struct group* group, gid_t number) {
    if (group != nullptr && number != 0) return group->gr_name;
    throw Error(ErrorKind::usage,
                number == 0 ? "the spool belongs to the group root, in which no uploader is"
                            : "the spool belongs to group id " + std::to_string(number) +
                                  ", which has no name on this host",
                "--group GROUP names the one that the server's user shares with the uploader");
}

bool is_member(const std::string& user, gid_t group) {
    const auto found = server::find_user(user);
    return found && std::find(found->groups.begin(), found->groups.end(), group) != found->groups.end();
}

/// The units run as one user, whatever a configuration says.
void need_units_group(const std::string& user, const std::string& named, const std::string& group,
                      gid_t number) {
    const std::string units = "the units that run this configuration do so as the user " + user;
    if (!named.empty() && named != user) {
        throw Error(ErrorKind::usage, "--group " + named + ": " + units,
                    "leave it out; or, to run the uploader yourself as " + named +
                        ", put the configuration elsewhere than in /etc/walferry: --config");
    }
    if (is_member(user, number)) return;
    throw Error(ErrorKind::usage, units + ", and the spool's group is " + group,
                "--group " + user + " gives the spool to the group of that name");
}

}  // namespace

SpoolUsers find_spool_users(const std::string& spool, const std::string& configuration,
                            const std::string& owner, const std::string& group) {
    const SpoolPaths paths(spool);
    const bool is_new = !host::is_spool(paths);
    const bool by_units = units_run(configuration);
    const std::string usual_group = by_units ? units_user() : "walferry";
    const std::string wanted_owner = owner.empty() && is_new ? "postgres" : owner;
    const std::string wanted_group = group.empty() && is_new ? usual_group : group;
    if (!wanted_group.empty()) need_uploader(wanted_group);
    if (!wanted_owner.empty()) need_owner(wanted_owner);
    const host::SpoolOwner ids = host::find_spool_owner(paths, wanted_owner, wanted_group);
    SpoolUsers users{name_of(::getpwuid(ids.user), ids.user), name_of(::getgrgid(ids.group), ids.group), {}};
    if (by_units) {
        users.uploader = units_user();
        need_units_group(users.uploader, group, users.group, ids.group);
    } else if (::getpwnam(users.group.c_str())) {
        users.uploader = users.group;
    }
    return users;
}

void join_group(const SpoolUsers& users) {
    const struct group* group = ::getgrnam(users.group.c_str());
    if (group != nullptr && is_member(users.owner, group->gr_gid)) return;
    if (!run_program({"usermod", "--append", "--groups", users.group, users.owner})) {
        throw Error(ErrorKind::io, "cannot make " + users.owner + " a member of the group " + users.group,
                    "usermod --append --groups " + users.group + " " + users.owner);
    }
    std::printf(
        "made %s a member of the group %s; a server that runs gets to know at its next restart, and "
        "archives meanwhile all the same\n",
        users.owner.c_str(), users.group.c_str());
}

}  // namespace walferry::setup
