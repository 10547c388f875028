#include "tests/fault/crash/call_shapes.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

namespace walferry::crash {
namespace {

const std::vector<Argument> descriptor{{Means::descriptor, 0}};
const std::vector<Argument> two_descriptors{{Means::descriptor, 0}, {Means::descriptor, 1}};
const std::vector<Argument> at{{Means::path_at, 0}};

#define CALL(name, arguments)         \
    CallShape {                       \
        __NR_##name, #name, arguments \
    }

/// Of whatever the programs and their libraries call; architectures without the older calls lack them.
const std::vector<CallShape>& shapes() {
    static const std::vector<CallShape> all{
#ifdef __NR_open
        CALL(open, (std::vector<Argument>{{Means::path, 0}})),
        CALL(stat, (std::vector<Argument>{{Means::path, 0}})),
        CALL(lstat, (std::vector<Argument>{{Means::path, 0}})),
        CALL(access, (std::vector<Argument>{{Means::path, 0}})),
        CALL(readlink, (std::vector<Argument>{{Means::path, 0}})),
        CALL(unlink, (std::vector<Argument>{{Means::path, 0}})),
        CALL(mkdir, (std::vector<Argument>{{Means::path, 0}})),
        CALL(rmdir, (std::vector<Argument>{{Means::path, 0}})),
        CALL(chmod, (std::vector<Argument>{{Means::path, 0}})),
        CALL(chown, (std::vector<Argument>{{Means::path, 0}})),
        CALL(rename, (std::vector<Argument>{{Means::path, 0}, {Means::path, 1}})),
        CALL(link, (std::vector<Argument>{{Means::path, 0}, {Means::path, 1}})),
        CALL(poll, (std::vector<Argument>{{Means::polled, 0}})),
#endif
        CALL(truncate, (std::vector<Argument>{{Means::path, 0}})),
        CALL(statfs, (std::vector<Argument>{{Means::path, 0}})),
        CALL(inotify_add_watch, (std::vector<Argument>{{Means::path, 1}})),
        CALL(openat, at),
        CALL(newfstatat, at),
        CALL(statx, at),
        CALL(unlinkat, at),
        CALL(mkdirat, at),
        CALL(fchmodat, at),
        CALL(fchownat, at),
        CALL(faccessat, at),
        CALL(faccessat2, at),
        CALL(readlinkat, at),
        CALL(utimensat, at),
        CALL(linkat, (std::vector<Argument>{{Means::path_at, 0}, {Means::path_at, 2}})),
        CALL(renameat, (std::vector<Argument>{{Means::path_at, 0}, {Means::path_at, 2}})),
        CALL(renameat2, (std::vector<Argument>{{Means::path_at, 0}, {Means::path_at, 2}})),
        CALL(read, descriptor),
        CALL(write, descriptor),
        CALL(readv, descriptor),
        CALL(writev, descriptor),
        CALL(pread64, descriptor),
        CALL(pwrite64, descriptor),
        CALL(preadv, descriptor),
        CALL(pwritev, descriptor),
        CALL(fsync, descriptor),
        CALL(fdatasync, descriptor),
        CALL(syncfs, descriptor),
        CALL(sync_file_range, descriptor),
        CALL(ftruncate, descriptor),
        CALL(fallocate, descriptor),
        CALL(fadvise64, descriptor),
        CALL(flock, descriptor),
        CALL(fcntl, descriptor),
        CALL(fstat, descriptor),
        CALL(fstatfs, descriptor),
        CALL(fchmod, descriptor),
        CALL(fchown, descriptor),
        CALL(getdents64, descriptor),
        CALL(lseek, descriptor),
        CALL(ioctl, descriptor),
        CALL(close, descriptor),
        CALL(copy_file_range, (std::vector<Argument>{{Means::descriptor, 0}, {Means::descriptor, 2}})),
        CALL(sendfile, two_descriptors),
        CALL(mmap, (std::vector<Argument>{{Means::descriptor, 4}})),
        CALL(connect, (std::vector<Argument>{{Means::connecting, 0}})),
        CALL(sendto, descriptor),
        CALL(recvfrom, descriptor),
        CALL(sendmsg, descriptor),
        CALL(recvmsg, descriptor),
        CALL(shutdown, descriptor),
        CALL(setsockopt, descriptor),
        CALL(getsockopt, descriptor),
        CALL(getsockname, descriptor),
        CALL(getpeername, descriptor),
        CALL(ppoll, (std::vector<Argument>{{Means::polled, 0}})),
    };
    return all;
}

#undef CALL

}  // namespace

const CallShape* shape_of(std::uint64_t number) {
    const auto found = std::find_if(shapes().begin(), shapes().end(),
                                    [&](const CallShape& shape) { return shape.number == number; });
    return found == shapes().end() ? nullptr : &*found;
}

}  // namespace walferry::crash
