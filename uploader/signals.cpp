#include "uploader/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <ctime>

namespace walferry {
namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

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

}  // namespace walferry
