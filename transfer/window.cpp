#include "transfer/window.hpp"

namespace walferry::transfer {

struct Window::Room {
    Room(Window& owner, std::uint64_t taken) : window(owner), bytes(taken) {}
    ~Room() {
        const std::lock_guard lock(window.mutex_);
        window.bytes_ -= bytes;
        --window.encodings_;
        ++window.version_;
        window.changed_.notify_all();
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    Window& window;
    std::uint64_t bytes;
};

bool Window::fits(std::uint64_t bytes) const noexcept {
    return encodings_ == 0 || (encodings_ < limits_.encodings && bytes_ + bytes <= limits_.bytes);
}

std::shared_ptr<void> Window::enter(std::uint64_t bytes, const std::function<bool()>& make_room,
                                    const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!fits(bytes)) {
        const std::uint64_t seen = version_;
        lock.unlock();
        const bool made_room = make_room();
        lock.lock();
        if (made_room) continue;
        if (!changed_.wait(lock, stop, [&] { return version_ != seen || fits(bytes); })) return nullptr;
    }
    bytes_ += bytes;
    ++encodings_;
    lock.unlock();
    return std::make_shared<Room>(*this, bytes);
}

void Window::wake() {
    const std::lock_guard lock(mutex_);
    ++version_;
    changed_.notify_all();
}

void Window::shrink(void* room, std::uint64_t bytes) {
    auto* taken = static_cast<Room*>(room);
    const std::lock_guard lock(mutex_);
    if (bytes >= taken->bytes) return;
    bytes_ -= taken->bytes - bytes;
    taken->bytes = bytes;
    ++version_;
    changed_.notify_all();
}

}  // namespace walferry::transfer
