#include "common/sleep.hpp"

#include <condition_variable>
#include <mutex>

namespace walferry {

bool sleep_unless_stopped(const std::stop_token& stop, std::chrono::milliseconds time) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never_notified;
    never_notified.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

}  // namespace walferry
