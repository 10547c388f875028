#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "common/store/object_buffer.hpp"

namespace walferry::transfer {

/// How much of a backup may be in memory at once, from when it is read until every store has it. Only the
/// reader takes and waits, everybody else gives back: so it cannot lock up.
class MemoryBudget {
  public:
    explicit MemoryBudget(std::uint64_t bytes) : left_(bytes) {}

    /// Waits until there is enough. False after close().
    bool take(std::uint64_t bytes) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return closed_ || left_ >= bytes; });
        if (!closed_) left_ -= bytes;
        return !closed_;
    }
    void give_back(std::uint64_t bytes) noexcept {
        const std::lock_guard lock(mutex_);
        left_ += bytes;
        changed_.notify_all();
    }
    /// Nothing more is to be read: whoever waits is let go.
    void close() noexcept {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t left_;
    bool closed_ = false;
};

/// The memory that a backup's pieces live in. Outlives all of them.
struct BackupMemory {
    explicit BackupMemory(std::uint64_t bytes) : budget(bytes) {}
    BlockPool pool;
    MemoryBudget budget;
};

}  // namespace walferry::transfer
