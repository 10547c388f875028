#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace walferry::restore {

/// Which store the next piece is asked of, so that a slow one beside a healthy one stalls nothing. Not
/// thread-safe.
class StorePace {
  public:
    explicit StorePace(std::size_t stores) : stores_(stores) {}

    /// Those that work, the best one first: of stores about as fast as the fastest, the one with the fewest
    /// transfers under way; then slower ones; then those that failed.
    std::vector<std::size_t> order() const;

    void begin(std::size_t store) { ++stores_[store].active; }
    void end(std::size_t store) { --stores_[store].active; }
    /// What a transfer came to, whole or not.
    void measured(std::size_t store, std::uint64_t bytes, std::chrono::duration<double> took);
    void failed(std::size_t store) { stores_[store].failed = true; }
    void works(std::size_t store) { stores_[store].failed = false; }
    bool has_failed(std::size_t store) const { return stores_[store].failed; }

    /// Whether another store would probably give the whole object sooner than this one the rest of it.
    bool is_stalling(std::size_t store, std::uint64_t done, std::uint64_t size,
                     std::chrono::duration<double> took) const;

  private:
    struct Store {
        double rate = 0;  // bytes a second of one transfer; 0: not known
        int active = 0;
        bool failed = false;
    };
    double best_rate() const;
    std::vector<Store> stores_;
};

}  // namespace walferry::restore
