#include "maintenance/verify/pace.hpp"

#include "common/error.hpp"
#include "common/sleep.hpp"

namespace walferry::verify {

void Pace::took(std::uint64_t bytes) {
    bytes_ += bytes;
    if (rate_ > 0) {
        const auto due =
            began_ +
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                std::chrono::duration<double>(static_cast<double>(bytes_) / static_cast<double>(rate_)));
        const auto wait = due - std::chrono::steady_clock::now();
        // Less is made up for by the next bytes.
        if (wait > std::chrono::milliseconds(20))
            (void)sleep_unless_stopped(stop_, std::chrono::duration_cast<std::chrono::milliseconds>(wait));
    }
    if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
}

}  // namespace walferry::verify
