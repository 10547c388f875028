#include "archive-get/walferry_program.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "archive-get/message.hpp"
#include "common/error.hpp"

namespace walferry::get {
namespace {

constexpr int cannot_run = 127;
constexpr int failed = 255;

/// What execvp wants; `arguments` must outlive it.
std::vector<char*> argument_list(const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<char*> list{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) list.push_back(const_cast<char*>(argument.c_str()));
    list.push_back(nullptr);
    return list;
}

/// Signals are left as they came by whoever started us; what we ignore ourselves must not be handed on.
void restore_signals() noexcept {
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGXFSZ, SIG_DFL);
}

/// True when the process has ended within that time.
bool wait_for_end(pid_t child, std::chrono::milliseconds patience) {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    if (!process) return true;  // an old kernel: then waitpid waits, and the child's own limit is what counts
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd entry{process.get(), POLLIN, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

[[noreturn]] void become_helper(std::vector<char*>& list, int listening, int directory) noexcept {
    // Out of the way of the numbers that they are to have.
    const int a = ::fcntl(listening, F_DUPFD, 10);
    const int b = ::fcntl(directory, F_DUPFD, 10);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (a < 0 || b < 0 || null < 0) ::_exit(0);
    for (const int standard : {0, 1, 2}) (void)::dup2(null, standard);
    (void)::dup2(a, 3);
    (void)::dup2(b, 4);
    (void)::syscall(SYS_close_range, 5, UINT_MAX, 0);
    (void)!::chdir("/");
    restore_signals();
    ::execvp(list.front(), list.data());
    // Where the server is the first process of a container, it reaps us: nothing but 0 and 1 leaves it calm.
    ::_exit(1);
}

}  // namespace

std::string find_walferry() {
    std::array<char, PATH_MAX> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    if (length > 0) {
        const std::string self(path.data(), static_cast<std::size_t>(length));
        std::string beside = self.substr(0, self.rfind('/') + 1) + "walferry";
        if (::access(beside.c_str(), X_OK) == 0) return beside;
    }
    return "walferry";
}

int run_walferry(const std::string& program, const std::vector<std::string>& arguments,
                 std::chrono::milliseconds patience) {
    std::vector<char*> list = argument_list(program, arguments);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) throw_errno(errno, "start " + program);
    if (child == 0) {
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(failed);
        restore_signals();
        ::execvp(list.front(), list.data());
        say("cannot run " + program + ": " + std::strerror(errno) +
            "; hint: it belongs beside walferry-archive-get, or into a directory of PATH");
        ::_exit(cannot_run);
    }
    if (!wait_for_end(child, patience)) {
        (void)::kill(child, SIGKILL);
        say("gave up after " + std::to_string(patience.count()) + " ms");
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) throw_errno(errno, "wait for " + program);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : failed;
}

void start_helper(const std::string& program, const std::vector<std::string>& arguments, const Fd& listening,
                  const Fd& directory) {
    std::vector<char*> list = argument_list(program, arguments);
    const pid_t child = ::fork();
    if (child < 0) throw_errno(errno, "start " + program);
    if (child == 0) {
        // Twice, so that it is nobody's child who would have to wait for it.
        if (::setsid() < 0 || ::fork() != 0) ::_exit(0);
        become_helper(list, listening.get(), directory.get());
    }
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace walferry::get
