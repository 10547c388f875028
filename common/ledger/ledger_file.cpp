#include "common/ledger/ledger_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "common/error.hpp"
#include "common/os/durable_file.hpp"
#include "common/os/fd.hpp"
#include "common/os/os.hpp"

namespace walferry {
namespace {

constexpr std::array suffixes{"", "-wal", "-shm"};

/// "ledger.db.20260131T090507123Z"
std::string aside_name(WallTime now) {
    std::string stamp;
    for (const char c : format_time(now)) {
        if (c != '-' && c != ':' && c != '.') stamp += c;
    }
    return "ledger.db." + stamp;
}

/// False when `to` exists already.
bool rename_aside(const Directory& folder, const std::string& from, const std::string& to) {
    if (::renameat2(folder.get(), from.c_str(), folder.get(), to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    throw_errno(errno, "rename " + folder.child(from) + " to " + to,
                "run this as root or as a member of the spool's group");
}

bool exists(const Directory& folder, const std::string& name) {
    struct stat status {};
    if (::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno != ENOENT) throw_errno(errno, "look at " + folder.child(name));
    return false;
}

/// One process at a time makes a ledger: what looks like a log that lost its database is another one's that
/// has just begun. Makers are done within moments.
void lock_makers(const Directory& folder) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) throw_errno(errno, "lock " + folder.path);
        if (std::chrono::steady_clock::now() >= deadline) {
            throw Error(ErrorKind::ledger,
                        "another process has been making the ledger in " + folder.path + " for 20 s",
                        "`lslocks` shows which; the next run tries again");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

}  // namespace

sqlite::OpenOptions ledger_options() {
    sqlite::OpenOptions options;
    options.advice = {
        "ledger", "run `walferry rebuild`; nothing in the spool or the stores depends on it",
        "does this user belong to the spool's group? `walferry init` corrects owners and modes",
        "free a few MB on its filesystem; the next drain makes more room by removing what is verified",
        "free a few MB if it is full; else another process that may write to its folder did that, and "
        "`walferry rebuild` makes a new one"};
    return options;
}

std::string checked_ledger_path(const SpoolPaths& spool) {
    char resolved[PATH_MAX];
    if (!::realpath(spool.root.c_str(), resolved)) {
        throw Error(ErrorKind::ledger, "ledger " + spool.ledger() +
                                           ": cannot resolve the spool's path: " + std::strerror(errno));
    }
    const std::string path = SpoolPaths(resolved).ledger();
    for (const char* suffix : suffixes) {
        const std::string file = path + suffix;
        struct stat status {};
        if (::lstat(file.c_str(), &status) != 0) {
            if (errno == ENOENT && *suffix != '\0') continue;
            const bool missing = errno == ENOENT;
            throw Error(ErrorKind::ledger, "ledger " + file + ": " + std::strerror(errno),
                        missing ? "`walferry init` makes one, the next drain adopts what is spooled"
                                : "does this user belong to the spool's group? A running server gets a new "
                                  "group only by a restart");
        }
        if (!S_ISREG(status.st_mode)) {
            throw Error(
                ErrorKind::ledger_corrupt,
                "ledger " + file + " is " + file_type_name(status.st_mode) + ", not a regular file",
                "a user who may write to the ledger's folder put it there; `walferry rebuild` moves it "
                "aside and makes a new ledger");
        }
        // Writing to it would write to whatever else that file is.
        if (status.st_nlink != 1) {
            throw Error(
                ErrorKind::ledger_corrupt,
                "ledger " + file + " has " + std::to_string(status.st_nlink) + " links, not one",
                "a user linked another file there, or this one elsewhere; `walferry rebuild` moves it "
                "aside and makes a new ledger");
        }
    }
    return path;
}

void create_ledger_file(const SpoolPaths& spool) {
    const Directory folder = os::open_directory(spool.ledger_directory());
    if (exists(folder, "ledger.db")) return;
    lock_makers(folder);
    if (exists(folder, "ledger.db")) return;
    if (exists(folder, "ledger.db-wal") || exists(folder, "ledger.db-shm"))
        set_ledger_aside(spool, wall_now());
    // SQLite would take the umask's word for the mode. It has mode and owner before it has a name: whoever is
    // killed in between would leave a ledger behind that others of the group cannot open.
    const Directory tmp{Fd(::open(spool.tmp().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), spool.tmp()};
    DurableFile file(folder, tmp, "ledger.db", spool_mode::ledger);
    const struct stat owner = os::status(folder.get(), folder.path);
    if (::geteuid() == 0 && ::fchown(file.fd(), owner.st_uid, owner.st_gid) != 0)
        throw_errno(errno, "give " + spool.ledger() + " to the spool's owner");
    file.sync();
    (void)file.publish();  // a name that is taken: another process has just made it
}

std::vector<std::string> set_ledger_aside(const SpoolPaths& spool, WallTime now) {
    const Directory folder = os::open_directory(spool.ledger_directory());
    std::vector<std::string> moved;
    for (const std::string suffix : suffixes) {
        const std::string from = "ledger.db" + suffix;
        if (!exists(folder, from)) continue;
        std::string to = aside_name(now) + suffix;
        while (!rename_aside(folder, from, to)) {
            now += std::chrono::milliseconds(1);
            to = aside_name(now) + suffix;
        }
        moved.push_back(folder.child(to));
    }
    os::sync(folder);
    return moved;
}

}  // namespace walferry
