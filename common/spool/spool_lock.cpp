#include "common/spool/spool_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/error.hpp"

namespace walferry {
namespace {

std::optional<WallTime> process_start(int pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(stat, line)) return std::nullopt;
    // The second field is the program's name in parentheses and may hold anything; the start is field 22.
    const auto end_of_name = line.rfind(')');
    if (end_of_name == std::string::npos) return std::nullopt;
    std::istringstream fields(line.substr(end_of_name + 1));
    std::string field;
    for (int i = 3; i <= 22; ++i) fields >> field;
    std::ifstream system("/proc/stat");
    while (std::getline(system, line)) {
        long long boot = 0;
        if (std::sscanf(line.c_str(), "btime %lld", &boot) == 1 && !field.empty()) {
            const long long ticks = std::strtoll(field.c_str(), nullptr, 10);
            return WallTime(std::chrono::seconds(boot + ticks / ::sysconf(_SC_CLK_TCK)));
        }
    }
    return std::nullopt;
}

}  // namespace

SpoolLock::SpoolLock(const SpoolPaths& spool, std::chrono::milliseconds patience, std::stop_token stop)
    : directory_(::open(spool.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!directory_) {
        const int err = errno;
        const bool missing = err == ENOENT || err == ENOTDIR;
        throw Error(missing ? ErrorKind::no_spool : ErrorKind::io,
                    "cannot open the spool " + spool.root + ": " + std::strerror(err),
                    missing ? "check `spool` in the configuration; `walferry init` makes a spool"
                            : "run this as a member of the spool's group");
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (::flock(directory_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) throw_errno(errno, "lock the spool " + spool.root);
        if (stop.stop_requested())
            throw Error(ErrorKind::interrupted, "stopped while waiting for the lock on " + spool.root);
        if (std::chrono::steady_clock::now() >= deadline) {
            throw Error(
                ErrorKind::locked,
                "the spool " + spool.root + " is being worked on: " + describe_lock_holder(spool.root),
                "wait for it to end; `walferry drain --wait SECONDS` does that by itself");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

std::string describe_lock_holder(const std::string& locked_path) {
    const auto holder = find_lock_holder(locked_path);
    if (!holder) return "another process holds the lock";
    std::string text = "process " + std::to_string(holder->pid) + " holds the lock";
    if (holder->since) text += ", running since " + format_time(*holder->since);
    return text;
}

std::optional<LockHolder> find_lock_holder(const SpoolPaths& spool) {
    return find_lock_holder(spool.root);
}

std::optional<LockHolder> find_lock_holder(const std::string& locked_path) {
    struct stat status {};
    if (::stat(locked_path.c_str(), &status) != 0) return std::nullopt;
    std::ifstream locks("/proc/locks");
    std::string line;
    while (std::getline(locks, line)) {
        int pid = 0;
        unsigned major = 0;
        unsigned minor = 0;
        unsigned long long inode = 0;
        // "3: FLOCK  ADVISORY  WRITE 4711 08:01:131074 0 EOF"
        if (std::sscanf(line.c_str(), "%*d: FLOCK %*s %*s %d %x:%x:%llu", &pid, &major, &minor, &inode) != 4)
            continue;
        if (inode != status.st_ino || major != gnu_dev_major(status.st_dev) ||
            minor != gnu_dev_minor(status.st_dev))
            continue;
        if (pid <= 0) return std::nullopt;  // a process of another namespace
        return LockHolder{pid, process_start(pid)};
    }
    return std::nullopt;
}

}  // namespace walferry
