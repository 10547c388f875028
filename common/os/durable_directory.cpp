#include <dirent.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "common/error.hpp"
#include "common/os/durable_file.hpp"

namespace walferry {
namespace {

/// True unless something was certainly linked into the directory since it was made. Whoever links into it has
/// synced its entry in the parent before, and linking moves its modification time away from its birth.
bool may_never_have_been_used(int directory) {
    struct statx found {};
    if (::statx(directory, "", AT_EMPTY_PATH, STATX_MTIME | STATX_BTIME, &found) != 0) return true;
    if ((found.stx_mask & STATX_BTIME) == 0) return true;
    // Clocks of filesystems are coarse, and some take the two times one after the other.
    return found.stx_mtime.tv_sec - found.stx_btime.tv_sec < 2;
}

/// ".NAME.PID.RANDOM", as DurableFile names its files.
bool is_tmp_name(std::string_view name) {
    constexpr std::size_t random_digits = 16;
    if (name.size() < random_digits + 5 || name.front() != '.') return false;
    const std::size_t dot = name.size() - random_digits - 1;
    if (name[dot] != '.' || !is_lower_hex(name.substr(dot + 1), random_digits)) return false;
    const std::size_t pid = name.rfind('.', dot - 1);
    const std::string_view digits = name.substr(pid + 1, dot - pid - 1);
    return pid > 0 && !digits.empty() &&
           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// A file in use is locked by its writer; the lock ended with a writer that died.
bool remove_if_stale(int directory, const char* name) {
    const Fd file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat found {};
    return file && ::fstat(file.get(), &found) == 0 && S_ISREG(found.st_mode) &&
           ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::unlinkat(directory, name, 0) == 0;
}

}  // namespace

Directory open_or_make_directory(const Directory& parent, const std::string& name, mode_t mode) {
    const std::string path = parent.child(name);
    Fd fd = os::open_if_exists(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, path);
    if (!fd) {
        if (::mkdirat(parent.get(), name.c_str(), mode) != 0 && errno != EEXIST) {
            throw_errno(errno, "make the directory " + path);
        }
        fd = os::open_at(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, path);
        // Only where a umask was in the way: changing the mode costs a set-group-ID bit when the caller is
        // not in the directory's group.
        if ((os::status(fd.get(), path).st_mode & mode & 0777U) != (mode & 0777U)) {
            os::set_mode(fd.get(), mode, path);
        }
    }
    if (may_never_have_been_used(fd.get())) os::sync(parent);
    return {std::move(fd), path};
}

int remove_stale_tmp(const Directory& tmp) noexcept {
    // More than this is somebody's prank, and not worth a delay.
    constexpr int looked_at_most = 1000;
    // A descriptor of its own: reading a directory moves its offset.
    Fd own(::openat(tmp.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(own ? ::fdopendir(own.get()) : nullptr, &::closedir);
    if (!entries) return 0;
    (void)own.release();
    int removed = 0;
    for (int looked = 0; looked < looked_at_most; ++looked) {
        const dirent* entry = ::readdir(entries.get());
        if (entry == nullptr) break;
        if (is_tmp_name(entry->d_name) && remove_if_stale(tmp.get(), entry->d_name)) ++removed;
    }
    return removed;
}

}  // namespace walferry
