#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace walferry::archive {

/// How quickly each store delivered lately. Thread-safe.
class StoreRates {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit StoreRates(std::size_t stores) : stores_(stores) {}

    /// What a transfer brought, in bytes, and how long it took, whether or not it came to its end. What was
    /// over too soon to be measured is left out.
    void note(std::size_t store, std::uint64_t bytes, std::chrono::milliseconds elapsed, Time now);
    /// Bytes a second; nullopt where nothing was measured lately.
    std::optional<double> rate(std::size_t store, Time now) const;
    /// To sort by: lower is quicker. Rates are compared by powers of two, so that stores which are nearly as
    /// quick stay in the configuration's order; one that was not measured comes first, and is.
    int slowness(std::size_t store, Time now) const;

  private:
    struct Measured {
        double rate = 0;
        Time at{};
    };

    mutable std::mutex mutex_;
    std::vector<std::optional<Measured>> stores_;
};

}  // namespace walferry::archive
