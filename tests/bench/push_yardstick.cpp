// push-yardstick copy SOURCE DIRECTORY NAME   the plain durable copy: copy_file_range, fsync, rename, fsync
// push-yardstick rss COMMAND…                 runs it and prints its largest resident size in KiB (a process
//                                             counts what its parent had before exec, so the parent is small)
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace {

int fail(const char* what) {
    std::perror(what);
    return 1;
}

/// Between filesystems, where the kernel does not copy by itself.
ssize_t copy_piece(int in, int out) {
    static char buffer[256 * 1024];
    const ssize_t got = ::read(in, buffer, sizeof buffer);
    for (ssize_t put = 0; put < got;) {
        const ssize_t done = ::write(out, buffer + put, static_cast<std::size_t>(got - put));
        if (done <= 0) return -1;
        put += done;
    }
    return got;
}

int copy(const char* source, const char* directory, const char* name) {
    const int in = ::open(source, O_RDONLY | O_CLOEXEC);
    const int dir = ::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat found {};
    if (in < 0 || dir < 0 || ::fstat(in, &found) != 0) return fail("open");
    const int out = ::openat(dir, "yardstick.tmp", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (out < 0) return fail("create");
    for (off_t left = found.st_size; left > 0;) {
        ssize_t done = ::copy_file_range(in, nullptr, out, nullptr, static_cast<std::size_t>(left), 0);
        if (done < 0 && errno == EXDEV) done = copy_piece(in, out);
        if (done <= 0) return fail("copy");
        left -= done;
    }
    if (::fsync(out) != 0) return fail("fsync");
    if (::renameat(dir, "yardstick.tmp", dir, name) != 0) return fail("rename");
    return ::fsync(dir) == 0 ? 0 : fail("fsync the directory");
}

int resident(char** command) {
    const pid_t child = ::fork();
    if (child < 0) return fail("fork");
    if (child == 0) {
        ::execv(command[0], command);
        ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    if (::wait4(child, &status, 0, &usage) != child) return fail("wait");
    std::printf("%ld\n", usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 5 && std::strcmp(argv[1], "copy") == 0) return copy(argv[2], argv[3], argv[4]);
    if (argc > 2 && std::strcmp(argv[1], "rss") == 0) return resident(argv + 2);
    return 2;
}
