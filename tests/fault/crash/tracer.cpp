#include "tests/fault/crash/tracer.hpp"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <stdexcept>
#include <utility>

namespace walferry::crash {
namespace {

constexpr int system_call_stop = SIGTRAP | 0x80;
// No command here takes more than a few. What is done while it stands still does not count.
constexpr auto patience = std::chrono::seconds(120);

[[noreturn]] void fail(const char* what) {
    throw std::runtime_error(std::string("cannot ") + what + ": errno " + std::to_string(errno));
}

[[noreturn]] void become(const Command& command, bool traced) {
    const int output = ::open(command.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    if (::chdir(command.directory.c_str()) != 0) ::_exit(126);
    ::umask(077);  // as PostgreSQL runs its commands
    std::vector<char*> words;
    for (const std::string& word : command.argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (traced && (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0 || ::raise(SIGSTOP) != 0)) ::_exit(126);
    if (!command.forbidden.empty() && !test::forbid(command.forbidden)) ::_exit(126);
    ::execv(words[0], words.data());
    ::_exit(127);
}

pid_t start(const Command& command, bool traced) {
    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child == 0) become(command, traced);
    return child;
}

/// Interrupts a wait.
class Alarm {
  public:
    explicit Alarm(std::chrono::seconds after) {
        struct sigaction action {};
        action.sa_handler = [](int) {};
        ::sigaction(SIGALRM, &action, &before_);
        set(std::max<time_t>(after.count(), 1));
    }
    ~Alarm() {
        set(0);
        ::sigaction(SIGALRM, &before_, nullptr);
    }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

  private:
    static void set(time_t seconds) {
        const itimerval timer{{1, 0}, {seconds, 0}};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }
    struct sigaction before_ {};
};

class Trace {
  public:
    Trace(const Command& command, const std::function<Verdict(const Call&)>& look)
        : look_(look), leader_(start(command, true)) {
        int status = 0;
        if (::waitpid(leader_, &status, 0) != leader_ || !WIFSTOPPED(status)) fail("start a command");
        const long options =
            PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
        if (::ptrace(PTRACE_SETOPTIONS, leader_, nullptr, options) != 0) fail("trace a command");
        go_on(leader_, 0);
    }

    Ending follow() {
        for (;;) {
            int status = 0;
            const pid_t thread = wait(status);
            if (thread < 0 && errno == EINTR) {
                ending_.too_slow = true;
                ::kill(leader_, SIGKILL);
            } else if (thread < 0) {
                fail("wait for a command");
            } else if (WIFSTOPPED(status)) {
                stopped(thread, status);
            } else if (thread == leader_) {
                if (WIFEXITED(status)) ending_.exit_code = WEXITSTATUS(status);
                if (WIFSIGNALED(status)) ending_.signal = WTERMSIG(status);
                return ending_;
            }
        }
    }

  private:
    pid_t wait(int& status) {
        using std::chrono::steady_clock;
        const auto begun = steady_clock::now();
        const Alarm alarm(patience - std::chrono::duration_cast<std::chrono::seconds>(waited_));
        const pid_t thread = ::waitpid(-1, &status, __WALL);
        const int failed = errno;
        waited_ += steady_clock::now() - begun;
        errno = failed;
        return thread;
    }

    /// A thread that was killed meanwhile is of no concern.
    static void go_on(pid_t thread, int signal) { ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal); }

    void stopped(pid_t thread, int status) {
        const int signal = WSTOPSIG(status);
        if (signal == system_call_stop) {
            if (const Call* call = call_at(thread)) {
                obey(*call);
                if (call->moment == Moment::after) ask_waiting();
            } else if (!killed_) {
                go_on(thread, 0);
            }
            return;
        }
        // Events of ptrace's own, and the stop that a new thread begins with.
        const bool ours = status >> 16 != 0 || signal == SIGSTOP;
        go_on(thread, ours ? 0 : signal);
    }

    void obey(const Call& call) {
        if (killed_) return;
        const Verdict verdict = look_(call);
        if (verdict == Verdict::go_on) go_on(call.thread, 0);
        if (verdict == Verdict::wait) waiting_.push_back(call.thread);
        if (verdict == Verdict::kill) {
            killed_ = true;
            ::kill(leader_, SIGKILL);
        }
    }

    void ask_waiting() {
        for (const pid_t thread : std::exchange(waiting_, {})) obey(calls_[thread]);
    }

    /// nullptr: the stop is of no use.
    const Call* call_at(pid_t thread) {
        __ptrace_syscall_info info{};
        if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return nullptr;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            Call& call = calls_[thread];
            call = {thread, Moment::before, info.entry.nr, {}, 0};
            for (std::size_t i = 0; i < call.arguments.size(); ++i) call.arguments[i] = info.entry.args[i];
            return &call;
        }
        const auto found = calls_.find(thread);
        if (info.op != PTRACE_SYSCALL_INFO_EXIT || found == calls_.end()) return nullptr;
        found->second.moment = Moment::after;
        found->second.result = info.exit.rval;
        return &found->second;
    }

    const std::function<Verdict(const Call&)>& look_;
    pid_t leader_;
    std::map<pid_t, Call> calls_;
    std::vector<pid_t> waiting_;
    std::chrono::steady_clock::duration waited_{};
    Ending ending_;
    bool killed_ = false;
};

}  // namespace

Ending run(const Command& command) {
    return trace(command, nullptr);
}

Ending trace(const Command& command, const std::function<Verdict(const Call&)>& look) {
    if (look) return Trace(command, look).follow();
    const Alarm alarm(patience);
    const pid_t child = start(command, false);
    Ending ending;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) fail("wait for a command");
        ending.too_slow = true;
        ::kill(child, SIGKILL);
    }
    if (WIFEXITED(status)) ending.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) ending.signal = WTERMSIG(status);
    return ending;
}

}  // namespace walferry::crash
