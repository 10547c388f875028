#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <utility>

#include "common/store/object_buffer.hpp"

namespace walferry::transfer {

/// The memory of what is on its way to the stores: blocks that go from one object to the next, and how much
/// of it may be in use at once, in bytes and in objects (those that rest in work_dir count as well). One
/// object that is larger than all of it is let in alone. Thread-safe; outlives every share.
class MemoryBudget {
  public:
    struct Limits {
        std::uint64_t bytes;
        std::size_t objects = SIZE_MAX;
    };

    /// What one object may take; given back when it dies.
    class Share {
      public:
        Share() = default;
        Share(Share&& other) noexcept
            : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
        Share& operator=(Share&& other) noexcept {
            std::swap(budget_, other.budget_);
            std::swap(bytes_, other.bytes_);
            return *this;
        }
        ~Share();

        explicit operator bool() const noexcept { return budget_ != nullptr; }
        /// No more than that is needed: the rest is given back.
        void shrink(std::uint64_t bytes) noexcept;

      private:
        friend class MemoryBudget;
        Share(MemoryBudget& budget, std::uint64_t bytes) : budget_(&budget), bytes_(bytes) {}

        MemoryBudget* budget_ = nullptr;
        std::uint64_t bytes_ = 0;
    };

    explicit MemoryBudget(Limits limits) : limits_(limits) {}

    BlockPool& pool() noexcept { return pool_; }

    /// Waits for room. `make_room` is called, without the budget's lock, whenever there is none: it may drop
    /// objects that a store which fell behind is still waiting for, and returns whether it dropped any. The
    /// share is empty when asked to stop, and after close().
    Share take(std::uint64_t bytes, const std::stop_token& stop = {},
               const std::function<bool()>& make_room = {});
    /// Something changed that make_room looks at.
    void wake();
    /// Nothing more is to be taken: every wait for room ends.
    void close();

  private:
    bool fits(std::uint64_t bytes) const noexcept;
    void give_back(std::uint64_t bytes, std::size_t objects) noexcept;

    BlockPool pool_;
    const Limits limits_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::uint64_t bytes_ = 0;
    std::size_t objects_ = 0;
    std::uint64_t version_ = 0;  // counts wake() and what is given back, so that none is slept through
    bool closed_ = false;
};

}  // namespace walferry::transfer
