#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>

namespace walferry::transfer {

/// Bounds what is encoded and not yet sent: its bytes in memory, and its number (those that rest in
/// work_dir). One that is larger than the whole window is let in alone.
class Window {
  public:
    struct Limits {
        std::uint64_t bytes;
        std::size_t encodings;
    };

    explicit Window(Limits limits) : limits_(limits) {}

    /// Waits for room. `make_room` is called (without the window's lock) whenever there is none: it may drop
    /// encodings that a store which fell behind is still waiting for, and returns whether it dropped any.
    /// The result gives the room back when it dies; null when asked to stop.
    std::shared_ptr<void> enter(std::uint64_t bytes, const std::function<bool()>& make_room,
                                const std::stop_token& stop);
    /// Something changed that make_room looks at.
    void wake();
    /// What an encoding took is known now: gives back the rest of the room.
    void shrink(void* room, std::uint64_t bytes);

  private:
    struct Room;
    bool fits(std::uint64_t bytes) const noexcept;

    const Limits limits_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::uint64_t bytes_ = 0;
    std::size_t encodings_ = 0;
    std::uint64_t version_ = 0;  // counts wake() and departures, so that none is slept through
};

}  // namespace walferry::transfer
