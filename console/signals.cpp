#include "console/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <ctime>
#include <exception>
#include <string_view>

#include "console/exit_code.hpp"

namespace walferry::console {
namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

extern "C" void on_bus_error(int) {
    static constexpr std::string_view text =
        "walferry: the ledger's ledger.db-shm was cut short while it was in use, or its disk is full "
        "(SIGBUS)\n"
        "walferry: hint: nothing is lost by that; free a few MB if it is full, else find out who else writes "
        "to "
        "the ledger's folder; then run this again\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(exit_code::failed);
}

/// An exception where none can be dealt with: while one was being reported, or in a thread that has nobody to
/// tell.
[[noreturn]] void on_terminate() noexcept {
    static constexpr std::string_view text =
        "walferry: out of memory, or an internal error where it cannot be reported\n"
        "walferry: hint: nothing is lost by that, and what was not recorded is done again by the next run; "
        "raise the limit (ulimit -v), or use fewer `jobs`\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(exit_code::failed);
}

}  // namespace

void prepare_signals() noexcept {
    std::set_terminate(on_terminate);
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    for (const int signal : {SIGPIPE, SIGXFSZ}) ::sigaction(signal, &ignored, nullptr);
    struct sigaction bus {};
    bus.sa_handler = on_bus_error;
    ::sigaction(SIGBUS, &bus, nullptr);
}

StopOnSignal::StopOnSignal() {
    const sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    waiter_ = std::jthread([this](const std::stop_token& ended) {
        const sigset_t wanted = stop_signals();
        const timespec patience{0, 100'000'000};
        while (!ended.stop_requested()) {
            const int signal = sigtimedwait(&wanted, nullptr, &patience);
            if (signal < 0) continue;
            if (source_.stop_requested()) _exit(128 + signal);
            source_.request_stop();
        }
    });
}

StopOnSignal::~StopOnSignal() = default;

}  // namespace walferry::console
