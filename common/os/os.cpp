#include "common/os/os.hpp"

#include <unistd.h>

#include <cerrno>

#include "common/error.hpp"

namespace walferry {
namespace {

/// Repeats a system call that a signal interrupted.
template <typename Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result == -1 && errno == EINTR) result = call();
    return result;
}

}  // namespace

namespace os {

Fd open_at(int directory, const std::string& name, int flags, mode_t mode, const std::string& shown) {
    Fd fd(uninterrupted([&] { return ::openat(directory, name.c_str(), flags | O_CLOEXEC, mode); }));
    if (!fd) throw_errno(errno, ((flags & O_CREAT) != 0 ? "create " : "open ") + shown);
    return fd;
}

Fd open_if_exists(int directory, const std::string& name, int flags, const std::string& shown) {
    Fd fd(uninterrupted([&] { return ::openat(directory, name.c_str(), flags | O_CLOEXEC); }));
    if (!fd && errno != ENOENT) throw_errno(errno, "open " + shown);
    return fd;
}

Directory open_directory(const std::string& path) {
    return {open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, path), path};
}

struct stat status(int fd, const std::string& shown) {
    struct stat found {};
    if (::fstat(fd, &found) != 0) throw_errno(errno, "read the state of " + shown);
    return found;
}

std::size_t read_at(int fd, MutableBytes out, std::uint64_t offset, const std::string& shown) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = uninterrupted([&] {
            return ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        });
        if (got < 0) throw_errno(errno, "read " + shown);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void write_at(int fd, Bytes bytes, std::uint64_t offset, const std::string& shown) {
    while (!bytes.empty()) {
        const ssize_t put = uninterrupted(
            [&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
        if (put < 0) throw_errno(errno, "write " + shown);
        if (put == 0) throw_errno(EIO, "write " + shown);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
}

void set_mode(int fd, mode_t mode, const std::string& shown) {
    if (::fchmod(fd, mode) != 0) throw_errno(errno, "set the mode of " + shown);
}

void sync(int fd, const std::string& shown) {
    if (uninterrupted([&] { return ::fsync(fd); }) != 0) throw_errno(errno, "sync " + shown);
}

void sync(const Directory& directory) {
    if (uninterrupted([&] { return ::fsync(directory.get()); }) == 0) return;
    // Some network filesystems have nothing to sync for a directory and say so.
    if (errno != EINVAL) throw_errno(errno, "sync the directory " + directory.path);
}

void occupy_standard_descriptors() noexcept {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) == -1) (void)!::open("/", O_PATH);
    }
}

void unlink_at(const Directory& directory, const std::string& name) {
    if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        throw_errno(errno, "remove " + directory.child(name));
    }
}

}  // namespace os

const char* file_type_name(mode_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return "a regular file";
        case S_IFDIR:
            return "a directory";
        case S_IFLNK:
            return "a symbolic link";
        case S_IFIFO:
            return "a FIFO";
        case S_IFSOCK:
            return "a socket";
        case S_IFBLK:
            return "a block device";
        case S_IFCHR:
            return "a character device";
        default:
            return "no regular file";
    }
}

}  // namespace walferry
