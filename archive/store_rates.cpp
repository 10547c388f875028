#include "archive/store_rates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace walferry::archive {
namespace {

// A rate that was measured longer ago than this says nothing any more.
constexpr std::chrono::minutes rate_holds{5};
constexpr std::uint64_t least_measured = 64 * 1024;
constexpr std::chrono::milliseconds least_time_measured{1000};

}  // namespace

void StoreRates::note(std::size_t store, std::uint64_t bytes, std::chrono::milliseconds elapsed, Time now) {
    if (bytes < least_measured && elapsed < least_time_measured) return;
    const auto before = rate(store, now);
    const double measured =
        static_cast<double>(bytes) * 1000 / static_cast<double>(std::max<std::int64_t>(1, elapsed.count()));
    const std::lock_guard lock(mutex_);
    stores_[store] = Measured{before ? (*before + measured) / 2 : measured, now};
}

std::optional<double> StoreRates::rate(std::size_t store, Time now) const {
    const std::lock_guard lock(mutex_);
    const auto& measured = stores_[store];
    if (!measured || now - measured->at > rate_holds) return std::nullopt;
    return measured->rate;
}

int StoreRates::slowness(std::size_t store, Time now) const {
    const auto known = rate(store, now);
    return known ? -std::ilogb(std::max(1.0, *known)) : std::numeric_limits<int>::min();
}

}  // namespace walferry::archive
