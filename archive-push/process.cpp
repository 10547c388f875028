#include "archive-push/process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <exception>
#include <string_view>

#include "archive-push/exit_code.hpp"
#include "common/os/bus_error.hpp"
#include "common/os/os.hpp"

namespace walferry::push {
namespace {

[[noreturn]] void give_up(std::string_view why) noexcept {
    (void)!::write(STDERR_FILENO, why.data(), why.size());
    ::_exit(retry);
}

extern "C" void on_fault(int signal) {
    if (signal == SIGBUS) os::leave_on_bus_error();
    switch (signal) {
        case SIGBUS:
            give_up(
                "walferry-archive-push: a file was cut short while it was in use (SIGBUS); not archived, "
                "PostgreSQL will retry\n");
        case SIGABRT:
            give_up(
                "walferry-archive-push: internal error (SIGABRT); not archived, PostgreSQL will retry; "
                "hint: please report this\n");
        default:
            give_up(
                "walferry-archive-push: internal error (memory fault); not archived, PostgreSQL will "
                "retry; hint: please report this\n");
    }
}

[[noreturn]] void on_terminate() noexcept {
    give_up(
        "walferry-archive-push: internal error (an exception while handling one); not archived, PostgreSQL "
        "will retry; hint: please report this\n");
}

}  // namespace

void prepare_process() noexcept {
    ::umask(0);
    os::occupy_standard_descriptors();
    std::set_terminate(on_terminate);

    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (const int signal : {SIGPIPE, SIGXFSZ}) ::sigaction(signal, &ignore, nullptr);

    // On a stack of its own, because running out of stack is one of the faults.
    alignas(16) static std::array<char, 16384> stack;
    stack_t alternative{};
    alternative.ss_sp = stack.data();
    alternative.ss_size = stack.size();
    ::sigaltstack(&alternative, nullptr);
    struct sigaction fault {};
    fault.sa_handler = on_fault;
    fault.sa_flags = SA_ONSTACK | SA_NODEFER;
    sigset_t unblock;
    sigemptyset(&unblock);
    for (const int signal : {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGABRT}) {
        ::sigaction(signal, &fault, nullptr);
        sigaddset(&unblock, signal);
    }
    ::sigprocmask(SIG_UNBLOCK, &unblock, nullptr);
}

}  // namespace walferry::push
