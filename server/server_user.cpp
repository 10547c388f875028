#include "server/server_user.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "common/error.hpp"

namespace walferry::server {
namespace {

const passwd* look_up(const std::string& owner) {
    if (const passwd* entry = ::getpwnam(owner.c_str())) return entry;
    uid_t number = 0;
    const auto [end, error] = std::from_chars(owner.data(), owner.data() + owner.size(), number);
    return error == std::errc() && end == owner.data() + owner.size() ? ::getpwuid(number) : nullptr;
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    while (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0)
        groups.resize(static_cast<std::size_t>(count));
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

// The C library would change every thread of the process; the kernel's own calls change the one that makes
// them.
constexpr uid_t keep = static_cast<uid_t>(-1);
#ifdef SYS_setgroups32
constexpr long call_setgroups = SYS_setgroups32, call_setresgid = SYS_setresgid32,
               call_setresuid = SYS_setresuid32;
#else
constexpr long call_setgroups = SYS_setgroups, call_setresgid = SYS_setresgid, call_setresuid = SYS_setresuid;
#endif

bool set_groups(const std::vector<gid_t>& groups) {
    return ::syscall(call_setgroups, groups.size(), groups.data()) == 0;
}
bool set_group(gid_t effective) {
    return ::syscall(call_setresgid, keep, effective, keep) == 0;
}
bool set_user(uid_t effective) {
    return ::syscall(call_setresuid, keep, effective, keep) == 0;
}

}  // namespace

bool ServerUser::is_caller() const noexcept {
    return ::geteuid() == uid;
}

ServerUser find_server_user(const std::string& owner) {
    const bool root = ::geteuid() == 0;
    const passwd* entry = !owner.empty() ? look_up(owner)
                          : root         ? look_up("postgres")
                                         : ::getpwuid(::geteuid());
    if (entry == nullptr) {
        if (owner.empty() && !root) return {std::to_string(::geteuid()), ::geteuid(), ::getegid(), {}};
        throw Error(ErrorKind::usage,
                    "there is no user " + (owner.empty() ? "postgres" : owner) + " on this host",
                    "install PostgreSQL first, or name the user that its server will run as with --owner");
    }
    ServerUser user{entry->pw_name, entry->pw_uid, entry->pw_gid, {}};
    if (user.uid == 0) {
        throw Error(ErrorKind::usage, "a PostgreSQL server does not run as root",
                    "name the user that it will run as with --owner");
    }
    if (!root && user.uid != ::geteuid()) {
        throw Error(ErrorKind::usage, "only root can restore for another user (--owner " + owner + ")",
                    "run this as root, or as " + user.name);
    }
    user.groups = groups_of(user.name, user.gid);
    return user;
}

std::optional<ServerUser> find_user(const std::string& name, std::optional<gid_t> group) {
    if (const passwd* entry = look_up(name)) {
        ServerUser user{entry->pw_name, entry->pw_uid, entry->pw_gid, {}};
        user.groups = groups_of(user.name, user.gid);
        if (group) {
            user.gid = *group;
            user.groups.push_back(*group);
        }
        return user;
    }
    uid_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size() || !group) return std::nullopt;
    return ServerUser{name, number, *group, {*group}};
}

void become(const ServerUser& user) {
    if (::geteuid() != 0) return;
    int death_signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &death_signal);
    if (::setgroups(user.groups.size(), user.groups.data()) != 0 ||
        ::setresgid(user.gid, user.gid, user.gid) != 0 || ::setresuid(user.uid, user.uid, user.uid) != 0)
        throw_errno(errno, "become the user " + user.name);
    // The kernel forgets it with the user.
    if (death_signal != 0) ::prctl(PR_SET_PDEATHSIG, death_signal);
    const passwd* entry = ::getpwuid(user.uid);
    ::setenv("HOME", entry == nullptr ? "/nonexistent" : entry->pw_dir, 1);
}

ActingAs::ActingAs(const ServerUser& user) {
    if (user.is_caller()) return;
    gid_ = ::getegid();
    groups_.resize(static_cast<std::size_t>(::getgroups(0, nullptr)));
    (void)!::getgroups(static_cast<int>(groups_.size()), groups_.data());
    changed_ = true;
    // The groups while still root; the user last.
    if (!set_groups(user.groups) || !set_group(user.gid) || !set_user(user.uid))
        throw_errno(errno, "become the user " + user.name);
}

ActingAs::~ActingAs() {
    if (!changed_) return;
    // Going on with half of somebody's rights would be worse than not going on.
    if (!set_user(0) || !set_group(gid_) || !set_groups(groups_)) std::abort();
}

}  // namespace walferry::server
