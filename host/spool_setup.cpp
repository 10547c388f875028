#include "host/spool_setup.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/os/directory_entries.hpp"
#include "common/os/os.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::host {
namespace {

std::optional<unsigned> number(const std::string& text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// Brings one open file or directory to its owner and mode. chown first: it clears the setgid bit.
class Mender {
  public:
    explicit Mender(SpoolOwner owner) : owner_(owner) {}

    void made(const std::string& path) {
        changes_.push_back("made " + path);
        made_.insert(path);
    }
    std::vector<std::string> take_changes() { return std::move(changes_); }

    void mend(int fd, const std::string& path, mode_t mode, bool keep_user = false) {
        const struct stat was = os::status(fd, path);
        const uid_t user = keep_user ? was.st_uid : owner_.user;
        if (was.st_uid != user || was.st_gid != owner_.group) {
            if (::fchown(fd, user, owner_.group) != 0) {
                throw_errno(errno, "give " + path + " its owner and group",
                            "run this as root, or as the owner with a group it belongs to");
            }
            changed(path, "owner of " + path);
        }
        const struct stat now = os::status(fd, path);
        if ((now.st_mode & 07777) == mode) return;
        if (::fchmod(fd, mode) != 0)
            throw_errno(errno, "set the mode of " + path, "run this as root or as its owner");
        if ((os::status(fd, path).st_mode & 07777) != mode) {
            throw Error(ErrorKind::io,
                        "cannot set the mode of " + path + ": the system dropped its set-group-ID bit",
                        "run this as root, or as a member of the spool's group");
        }
        if ((was.st_mode & 07777) != mode) {
            std::array<char, 16> digits{};
            std::snprintf(digits.data(), digits.size(), "%04o", static_cast<unsigned>(mode));
            changed(path, "mode of " + path + ", now " + digits.data());
        }
    }

  private:
    // What was made a moment ago has no owner and mode that anybody would miss.
    void changed(const std::string& path, std::string line) {
        const bool beside_the_ledger = path.ends_with("-wal") || path.ends_with("-shm");
        const std::string whole = beside_the_ledger ? path.substr(0, path.size() - 4) : path;
        if (!made_.contains(whole)) changes_.push_back(std::move(line));
    }

    SpoolOwner owner_;
    std::vector<std::string> changes_;
    std::set<std::string> made_;
};

void make_parents(const std::string& path) {
    const std::string parent = parent_of(path);
    struct stat status {};
    if (::stat(parent.c_str(), &status) == 0) return;
    if (errno != ENOENT) throw_errno(errno, "look at " + parent);
    make_parents(parent);
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) throw_errno(errno, "make " + parent);
    ::chmod(parent.c_str(), 0755);
    os::sync(os::open_directory(parent_of(parent)));
}

// Makes it where missing; opened without following a link in its place.
Directory own_directory(int parent, const std::string& name, const std::string& path, Mender& mender) {
    if (::mkdirat(parent, name.c_str(), 0700) == 0) {
        mender.made(path);
    } else if (errno != EEXIST) {
        throw_errno(errno, "make " + path);
    }
    return {os::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, path), path};
}

// A regular file with one link, and that link is this name. Both are asked in one call: a hard link to
// somebody's file that comes and goes meanwhile does not pass.
bool is_sole_file(const Directory& directory, const std::string& name, int fd) {
    const struct stat opened = os::status(fd, directory.child(name));
    struct stat named {};
    return S_ISREG(opened.st_mode) &&
           ::fstatat(directory.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino && named.st_nlink == 1;
}

// Segments that an earlier set-up, or a push under a strange mask, left unreadable. Only what push could have
// made is touched: a link that a member of the group planted must not give away another file.
void mend_segments(const Directory& ready, Mender& mender) {
    for (const std::string& cluster : entries_of(ready)) {
        const std::string path = ready.child(cluster);
        const Fd fd(::openat(ready.get(), cluster.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) continue;
        mender.mend(fd.get(), path, spool_mode::shared_directory);
        const Directory directory{Fd(::dup(fd.get())), path};
        for (const std::string& name : entries_of(directory)) {
            const Fd file(
                ::openat(directory.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
            if (!file || !WalName::parse(name)) continue;
            if (is_sole_file(directory, name, file.get())) {
                mender.mend(file.get(), directory.child(name), spool_mode::segment, true);
            }
        }
    }
}

void mend_ledger_files(const Directory& folder, Mender& mender) {
    for (const char* name : {"ledger.db", "ledger.db-wal", "ledger.db-shm"}) {
        const std::string path = folder.child(name);
        const Fd file = os::open_if_exists(folder.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, path);
        if (!file) continue;
        if (!is_sole_file(folder, name, file.get())) {
            throw Error(ErrorKind::io, path + " is not a regular file with one link",
                        "a user put it there: move it away, then run this again");
        }
        mender.mend(file.get(), path, spool_mode::ledger);
    }
}

uid_t user_called(const std::string& user) {
    if (const passwd* entry = ::getpwnam(user.c_str())) return entry->pw_uid;
    if (const auto id = number(user)) return *id;
    throw Error(ErrorKind::usage, "--owner " + user + ": there is no such user",
                "the user that the PostgreSQL server runs as, usually postgres");
}

gid_t group_called(const std::string& group) {
    if (const struct group* entry = ::getgrnam(group.c_str())) return entry->gr_gid;
    if (const auto id = number(group)) return *id;
    throw Error(ErrorKind::usage, "--group " + group + ": there is no such group",
                "the group that the server's user and the uploader share; `groupadd --system " + group +
                    "` makes it");
}

std::string user_name(uid_t uid) {
    const passwd* entry = ::getpwuid(uid);
    return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

std::string group_name(gid_t gid) {
    const struct group* entry = ::getgrgid(gid);
    return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

/// Who had it before somebody gave it to root: what lies in it tells, where not all of it was given away.
SpoolOwner former_owner(const SpoolPaths& spool) {
    SpoolOwner former{0, 0};
    for (const std::string& path : {spool.ready(), spool.tmp(), spool.ledger_directory(), spool.ledger()}) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) continue;
        if (former.user == 0) former.user = status.st_uid;
        if (former.group == 0) former.group = status.st_gid;
    }
    return former;
}

/// Giving all the rest to root too would end archiving.
[[noreturn]] void refuse_root(const SpoolPaths& spool, bool group_too) {
    const SpoolOwner former = former_owner(spool);
    std::string options = "--owner " + (former.user != 0 ? user_name(former.user) : "USER");
    if (group_too) options += " --group " + (former.group != 0 ? group_name(former.group) : "GROUP");
    std::string hint = options + ": ";
    hint += former.user != 0 ? "what lies in it belongs to that user still"
                             : "the user that the server runs as, usually postgres";
    if (group_too && former.group == 0) hint += ", and the group that it shares with the uploader";
    throw Error(ErrorKind::usage, spool.root + " belongs to root, and no PostgreSQL server runs as root",
                hint);
}

// Root itself is chosen only by name.
void refuse_to_choose_root(const SpoolPaths& spool, bool no_user, bool no_group) {
    if (!no_user && !no_group) return;
    throw Error(
        ErrorKind::usage,
        spool.root + " would be root's, and " +
            (no_user ? "no PostgreSQL server runs as root" : "no uploader belongs to root's group"),
        std::string(no_user ? "--owner USER: the user that the server runs as, usually postgres; " : "") +
            "--group GROUP: the group that it shares with the uploader, usually walferry");
}

}  // namespace

bool is_spool(const SpoolPaths& spool) {
    struct stat status {};
    return ::stat(spool.root.c_str(), &status) == 0 && ::access(spool.ready().c_str(), F_OK) == 0;
}

SpoolOwner find_spool_owner(const SpoolPaths& spool, const std::string& user, const std::string& group) {
    SpoolOwner owner{::geteuid(), ::getegid()};
    struct stat status {};
    // A directory that waits for its spool has been given to its owner already.
    const bool there = ::stat(spool.root.c_str(), &status) == 0 && (is_spool(spool) || status.st_uid != 0);
    if (there) {
        if (status.st_uid == 0 && user.empty()) refuse_root(spool, status.st_gid == 0 && group.empty());
        owner = {status.st_uid, status.st_gid};
    } else if (owner.user == 0) {
        refuse_to_choose_root(spool, user.empty(), group.empty() && user != "root" && user != "0");
    }
    if (!user.empty()) owner.user = user_called(user);
    if (!group.empty()) owner.group = group_called(group);
    return owner;
}

void refuse_network_filesystem(const std::string& path) {
    struct Kind {
        unsigned long magic;
        const char* name;
    };
    static constexpr std::array kinds{
        Kind{0x6969, "NFS"},        Kind{0x517B, "SMB"},     Kind{0xFF534D42, "CIFS"},
        Kind{0xFE534D42, "SMB2"},   Kind{0x01021997, "9P"},  Kind{0x00C36400, "CephFS"},
        Kind{0x0BD00BD0, "Lustre"}, Kind{0x5346414F, "AFS"}, Kind{0x65735546, "FUSE"},
        Kind{0x73757245, "Coda"},
    };
    struct statfs status {};
    std::string at = path;
    while (::statfs(at.c_str(), &status) != 0) {
        if (errno != ENOENT || at == "/" || at == ".")
            throw_errno(errno, "look at the filesystem of " + path);
        at = parent_of(at);
    }
    for (const Kind& kind : kinds) {
        if (static_cast<unsigned long>(status.f_type) == kind.magic) {
            throw Error(
                ErrorKind::config,
                path + " is on " + kind.name + ", a network filesystem: its locks cannot be relied on",
                "put the spool on a local disk of the database host");
        }
    }
}

std::vector<std::string> set_up_spool(const SpoolPaths& spool, const SpoolOwner& owner) {
    refuse_network_filesystem(spool.root);
    Mender mender(owner);
    make_parents(spool.root);
    const Directory root = own_directory(AT_FDCWD, spool.root, spool.root, mender);
    mender.mend(root.get(), root.path, spool_mode::root);
    const Directory ready = own_directory(root.get(), "ready", spool.ready(), mender);
    const Directory tmp = own_directory(root.get(), "tmp", spool.tmp(), mender);
    const Directory ledger = own_directory(root.get(), "ledger", spool.ledger_directory(), mender);
    for (const Directory* directory : {&ready, &tmp, &ledger})
        mender.mend(directory->get(), directory->path, spool_mode::shared_directory);
    mend_segments(ready, mender);
    mend_ledger_files(ledger, mender);

    struct stat status {};
    const bool fresh = ::fstatat(ledger.get(), "ledger.db", &status, AT_SYMLINK_NOFOLLOW) != 0;
    { const Ledger made(spool, Ledger::Open::create); }
    if (fresh) mender.made(spool.ledger());
    mend_ledger_files(ledger, mender);

    for (const Directory* directory : {&ledger, &tmp, &ready, &root}) os::sync(*directory);
    os::sync(os::open_directory(parent_of(spool.root)));
    return mender.take_changes();
}

}  // namespace walferry::host
