#include "transfer/memory_budget.hpp"

namespace walferry::transfer {

MemoryBudget::Share::~Share() {
    if (budget_ != nullptr) budget_->give_back(bytes_, 1);
}

void MemoryBudget::Share::shrink(std::uint64_t bytes) noexcept {
    if (budget_ == nullptr || bytes >= bytes_) return;
    budget_->give_back(bytes_ - bytes, 0);
    bytes_ = bytes;
}

bool MemoryBudget::fits(std::uint64_t bytes) const noexcept {
    return objects_ == 0 || (objects_ < limits_.objects && bytes_ + bytes <= limits_.bytes);
}

MemoryBudget::Share MemoryBudget::take(std::uint64_t bytes, const std::stop_token& stop,
                                       const std::function<bool()>& make_room) {
    std::unique_lock lock(mutex_);
    while (!closed_ && !fits(bytes)) {
        const std::uint64_t seen = version_;
        if (make_room) {
            lock.unlock();
            const bool made_room = make_room();
            lock.lock();
            if (made_room) continue;
        }
        if (!changed_.wait(lock, stop, [&] { return closed_ || version_ != seen || fits(bytes); })) return {};
    }
    if (closed_) return {};
    bytes_ += bytes;
    ++objects_;
    return {*this, bytes};
}

void MemoryBudget::give_back(std::uint64_t bytes, std::size_t objects) noexcept {
    const std::lock_guard lock(mutex_);
    bytes_ -= bytes;
    objects_ -= objects;
    ++version_;
    changed_.notify_all();
}

void MemoryBudget::wake() {
    const std::lock_guard lock(mutex_);
    ++version_;
    changed_.notify_all();
}

void MemoryBudget::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

}  // namespace walferry::transfer
