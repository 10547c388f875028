#include "uploader/backup/store_copy.hpp"

#include "common/store/retry.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::backup {

StoreCopy::StoreCopy(Parts parts)
    : parts_(std::move(parts)),
      all_stop_(parts_.stop, [this] { stop_.request_stop(); }),
      connections_(static_cast<std::size_t>(parts_.connections)) {
    if (!parts_.open) {
        parts_.open = [settings = parts_.settings, breaker = std::make_shared<Breaker>()](const auto& stop) {
            return open_store(settings, StoreAccess::write, breaker, stop);
        };
    }
    for (std::size_t number = 0; number < connections_.size(); ++number) {
        threads_.emplace_back([this, number](const std::stop_token& ended) { work(ended, number); });
    }
}

StoreCopy::~StoreCopy() {
    stop_.request_stop();
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();
}

void StoreCopy::offer(std::shared_ptr<const transfer::EncodedObject> part) {
    const std::lock_guard lock(mutex_);
    if (reason_) return;
    queue_.push_back(std::move(part));
    changed_.notify_all();
}

bool StoreCopy::complete() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reason_ || (queue_.empty() && under_way_ == 0); });
    return !reason_;
}

void StoreCopy::settle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
}

bool StoreCopy::usable() const {
    const std::lock_guard lock(mutex_);
    return !reason_;
}

std::optional<Error> StoreCopy::reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
}

std::uint64_t StoreCopy::verified_bytes() const {
    const std::lock_guard lock(mutex_);
    return verified_bytes_;
}

void StoreCopy::give_up(const Error& reason) {
    {
        const std::lock_guard lock(mutex_);
        if (reason_) return;
        reason_ = reason;
        queue_.clear();
        changed_.notify_all();
    }
    stop_.request_stop();
    parts_.given_up(*this);
}

void StoreCopy::work(const std::stop_token& ended, std::size_t number) {
    for (;;) {
        std::shared_ptr<const transfer::EncodedObject> part;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, ended, [&] { return !queue_.empty(); })) return;
            part = std::move(queue_.front());
            queue_.pop_front();
            ++under_way_;
        }
        std::optional<Error> failure;
        try {
            put_verified(connection(number), part->at(key(part->name)));
        } catch (const Error& error) {
            failure = error;
        } catch (const std::exception& error) {
            failure = Error(ErrorKind::internal, error.what());
        }
        if (failure) give_up(*failure);
        const std::lock_guard lock(mutex_);
        --under_way_;
        if (!failure) verified_bytes_ += part->content_size;
        changed_.notify_all();
    }
}

ObjectStore& StoreCopy::connection(std::size_t number) {
    auto& store = connections_[number];
    if (!store) store = parts_.open(stop_.get_token());
    return *store;
}

void StoreCopy::put_verified(const transfer::Outgoing& object) {
    put_verified(connection(0), object);
}

void StoreCopy::put_verified(ObjectStore& store, const transfer::Outgoing& object) {
    transfer::Sending sending{"store " + settings().name + ": " + object.key, "two copies were sent",
                              stop_.get_token(), 2};
    sending.pause = parts_.pause;
    try {
        transfer::put_verified(store, object, sending);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        // The store said twice that it has them: what it says cannot be relied on.
        throw Error(ErrorKind::integrity, error.message(), error.hint());
    }
}

}  // namespace walferry::backup
