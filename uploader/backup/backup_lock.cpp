#include "uploader/backup/backup_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "common/error.hpp"
#include "common/spool/spool_lock.hpp"

namespace walferry::backup {

BackupLock::BackupLock(const Settings& settings) {
    std::string path = SpoolPaths(settings.spool).ledger_directory();
    held_ = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!held_ && (errno == ENOENT || errno == ENOTDIR)) {
        path = settings.file;
        held_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    }
    // Not the configuration file here: another user's backup may lock the one, ours the other.
    if (!held_)
        throw_errno(errno, "open " + path + " to lock it", "run this as a member of the spool's group");
    while (::flock(held_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) throw_errno(errno, "lock " + path);
        throw Error(
            ErrorKind::locked,
            "a backup of cluster " + settings.cluster + " is being made: " + describe_lock_holder(path),
            "wait for it to end");
    }
}

}  // namespace walferry::backup
