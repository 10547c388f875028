#include "uploader/drain/next_attempt.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace walferry::drain {

using std::chrono::milliseconds;

milliseconds backoff(int attempts, double random) noexcept {
    constexpr double base_ms = 1'000;
    const double ceiling = std::min(static_cast<double>(longest_backoff.count()),
                                    base_ms * std::ldexp(1.0, std::clamp(attempts, 1, 30)));
    return milliseconds(static_cast<milliseconds::rep>(ceiling * random));
}

namespace {

double random_share() {
    thread_local std::minstd_rand generator{std::random_device{}()};
    return std::generate_canonical<double, 32>(generator);
}

}  // namespace

WallTime next_attempt(int attempts, WallTime now) {
    return now + backoff(attempts, random_share());
}

milliseconds store_backoff(int given_up) {
    const milliseconds wait =
        std::min<milliseconds>(backoff(given_up, random_share()), std::chrono::minutes(1));
    return std::max<milliseconds>(wait, std::chrono::seconds(1));
}

bool attempt_due(const std::optional<std::string>& next_attempt_at, WallTime now) noexcept {
    if (!next_attempt_at) return true;
    const auto time = parse_time(*next_attempt_at);
    return !time || *time <= now || *time > now + longest_backoff;
}

}  // namespace walferry::drain
