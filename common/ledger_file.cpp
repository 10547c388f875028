#include "common/ledger_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "common/error.hpp"

namespace walferry {

std::string checked_ledger_path(const SpoolPaths& spool) {
    char resolved[PATH_MAX];
    if (!::realpath(spool.root.c_str(), resolved)) {
        throw Error(ErrorKind::ledger, "ledger " + spool.ledger() +
                                           ": cannot resolve the spool's path: " + std::strerror(errno));
    }
    const std::string path = SpoolPaths(resolved).ledger();
    for (const char* suffix : {"", "-wal", "-shm"}) {
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
            throw Error(ErrorKind::ledger, "ledger " + file + " is not a regular file",
                        "somebody who may write to the ledger's folder put it there: move it away, then run "
                        "`walferry init`");
        }
    }
    return path;
}

}  // namespace walferry
