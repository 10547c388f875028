#pragma once
#include <chrono>
#include <cstdint>
#include <stop_token>

namespace walferry::verify {

/// Bytes that are read from one store: counted, and held to a rate. For one thread.
class Pace {
  public:
    /// `rate`: bytes a second, 0 for none.
    Pace(std::uint64_t rate, std::stop_token stop) : rate_(rate), stop_(std::move(stop)) {}

    /// Waits until the rate allows what has come. Throws interrupted when asked to stop.
    void took(std::uint64_t bytes);
    std::uint64_t bytes() const noexcept { return bytes_; }

  private:
    const std::uint64_t rate_;
    const std::stop_token stop_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::uint64_t bytes_ = 0;
};

}  // namespace walferry::verify
