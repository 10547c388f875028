#include "uploader/backup/store_copy.hpp"

#include "common/store/retry.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::backup {
StoreCopy::StoreCopy(const StoreSettings& settings, ObjectKeys keys, BackupId id, int connections,
                     const std::stop_token& stop, std::function<void(const StoreCopy&)> given_up)
    : settings_(settings),
      keys_(std::move(keys)),
      id_(std::move(id)),
      given_up_(std::move(given_up)),
      all_stop_(stop, [this] { stop_.request_stop(); }),
      breaker_(std::make_shared<Breaker>()),
      connections_(static_cast<std::size_t>(connections)) {
    for (std::size_t number = 0; number < connections_.size(); ++number) {
        threads_.emplace_back([this, number](const std::stop_token& ended) { work(ended, number); });
    }
}

StoreCopy::~StoreCopy() {
    stop_.request_stop();
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();
}

void StoreCopy::offer(std::shared_ptr<const EncodedPart> part) {
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
    given_up_(*this);
}

void StoreCopy::work(const std::stop_token& ended, std::size_t number) {
    for (;;) {
        std::shared_ptr<const EncodedPart> part;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, ended, [&] { return !queue_.empty(); })) return;
            part = std::move(queue_.front());
            queue_.pop_front();
            ++under_way_;
        }
        std::optional<Error> failure;
        try {
            put_verified(connection(number), key(part->name), *part);
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
    if (!store) store = open_store(settings_, StoreAccess::write, breaker_, stop_.get_token());
    return *store;
}

void StoreCopy::put_verified(const std::string& address, const EncodedPart& part) {
    put_verified(connection(0), address, part);
}

// Twice at the most: what one attempt's wire or server damaged, the next one may bring across. (Requests that
// fail are repeated further down, by the store itself.)
void StoreCopy::put_verified(ObjectStore& store, const std::string& address, const EncodedPart& part) {
    const auto attempt = [&](const char* next) {
        transfer::put_verified(store, {address, part.body, part.digest, part.checksum},
                               "store " + settings_.name + ": " + address, next, stop_.get_token());
    };
    try {
        attempt("a second copy is sent");
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::not_found) throw;
        try {
            attempt("two copies were sent");
        } catch (const Error& again) {
            if (again.kind() != ErrorKind::not_found) throw;
            // The store said twice that it has them: what it says cannot be relied on.
            throw Error(ErrorKind::integrity, again.message(), again.hint());
        }
    }
}

}  // namespace walferry::backup
