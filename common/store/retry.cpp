#include "common/store/retry.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "common/sleep.hpp"

namespace walferry {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

/// Marks an exception of the receiver's, so that a full disk here is not taken for a full store.
class WatchedReceiver : public Receiver {
  public:
    explicit WatchedReceiver(Receiver& receiver) : receiver_(receiver) {}
    void begin() override {
        watched([this] { receiver_.begin(); });
    }
    void announced(std::uint64_t length) override {
        watched([&] { receiver_.announced(length); });
    }
    void write(Bytes bytes) override {
        watched([&] { receiver_.write(bytes); });
    }
    bool threw() const noexcept { return threw_; }

  private:
    template <typename Call>
    void watched(Call call) {
        threw_ = true;
        call();
        threw_ = false;
    }

    Receiver& receiver_;
    bool threw_ = false;
};

}  // namespace

std::optional<milliseconds> next_delay(const RetryPolicy& policy, const FailedAttempt& failed,
                                       double random) {
    if (!failed.retryable || failed.attempts >= policy.attempts) return std::nullopt;
    milliseconds bound = policy.base;
    for (int i = 1; i < failed.attempts && bound < policy.longest_delay; ++i) bound *= 2;
    bound = std::min(bound, policy.longest_delay);
    milliseconds delay(static_cast<std::int64_t>(static_cast<double>(bound.count()) * random));
    if (failed.retry_after) {
        if (*failed.retry_after > policy.longest_retry_after) return std::nullopt;
        delay += *failed.retry_after;
    }

    const milliseconds worst = delay + policy.longest_attempt;
    if (failed.operation_age + worst > policy.operation_budget) return std::nullopt;
    if (failed.store_failing_for + worst > policy.store_budget) return std::nullopt;
    return delay;
}

Breaker::State Breaker::state() const {
    const std::lock_guard lock(mutex_);
    const bool open = std::any_of(rows_.begin(), rows_.end(), [this](const auto& row) {
        return row.second.failures >= failures_to_open_;
    });
    return open ? State::open : State::closed;
}

std::string Breaker::last_error() const {
    const std::lock_guard lock(mutex_);
    const auto longest = std::max_element(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
        return a.second.failures < b.second.failures;
    });
    return longest == rows_.end() ? std::string() : longest->second.last->what();
}

void Breaker::reset() {
    const std::lock_guard lock(mutex_);
    rows_.clear();
}

void Breaker::check(const std::string& store) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [operation, row] : rows_) {
        if (row.failures < failures_to_open_) continue;
        throw Error(row.last->kind(),
                    "store " + store + " is left for later after " + std::to_string(row.failures) +
                        " failures in a row; the last one: " + row.last->message(),
                    row.last->hint());
    }
}

void Breaker::succeeded(Operation operation) {
    const std::lock_guard lock(mutex_);
    rows_.erase(operation);
}

void Breaker::failed(Operation operation, const Error& error, SteadyTime operation_began) {
    const std::lock_guard lock(mutex_);
    Row& row = rows_[operation];
    if (++row.failures == 1 || operation_began < row.since) row.since = operation_began;
    row.last = error;
}

std::optional<SteadyTime> Breaker::failing_since() const {
    const std::lock_guard lock(mutex_);
    std::optional<SteadyTime> since;
    for (const auto& [operation, row] : rows_) {
        if (!since || row.since < *since) since = row.since;
    }
    return since;
}

RetryEnvironment RetryEnvironment::real(std::stop_token stop) {
    RetryEnvironment environment;
    environment.now = [] { return std::chrono::steady_clock::now(); };
    environment.random = [] {
        thread_local std::minstd_rand generator{std::random_device{}()};
        return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
    };
    environment.sleep = [stop](milliseconds delay) { sleep_unless_stopped(stop, delay); };
    return environment;
}

RetryingStore::RetryingStore(std::unique_ptr<ObjectStore> store, std::string name, RetryPolicy policy,
                             std::shared_ptr<Breaker> breaker, std::stop_token stop,
                             RetryEnvironment environment)
    : store_(std::move(store)),
      name_(std::move(name)),
      policy_(policy),
      breaker_(std::move(breaker)),
      stop_(std::move(stop)),
      environment_(std::move(environment)) {}

/// Waits for the next attempt, or throws the error that ended the operation.
void RetryingStore::after_failure(Breaker::Operation kind, const Error& error, int attempts,
                                  SteadyTime began) {
    const SteadyTime now = environment_.now();
    const SteadyTime failing_since = std::min(breaker_->failing_since().value_or(began), began);
    FailedAttempt failed;
    failed.attempts = attempts;
    failed.retryable = traits(error.kind()).retryable() && breaker_->state() == Breaker::State::closed;
    failed.retry_after = error.retry_after;
    failed.operation_age = duration_cast<milliseconds>(now - began);
    failed.store_failing_for = duration_cast<milliseconds>(now - failing_since);
    const auto delay = next_delay(policy_, failed, environment_.random());
    if (!delay) {
        const Scope scope = traits(error.kind()).scope;
        if (scope == Scope::object) breaker_->succeeded(kind);
        if (scope == Scope::store) breaker_->failed(kind, error, began);
        throw error;
    }
    environment_.sleep(*delay);
    if (stop_.stop_requested())
        throw Error(ErrorKind::interrupted, "stopped on request after: " + error.message());
    // Others have found the store dead meanwhile.
    if (breaker_->state() == Breaker::State::open) throw error;
}

void RetryingStore::retrying(Breaker::Operation kind, const std::function<void()>& operation) {
    breaker_->check(name_);
    const SteadyTime began = environment_.now();
    for (int attempts = 1;; ++attempts) {
        try {
            operation();
            breaker_->succeeded(kind);
            return;
        } catch (const Error& error) {
            after_failure(kind, error, attempts, began);
        }
    }
}

PutResult RetryingStore::put(const std::string& key, const Body& body, const BodyDigest& digest) {
    PutResult result = PutResult::stored;
    retrying(Breaker::Operation::put, [&] { result = store_->put(key, body, digest); });
    return result;
}

void RetryingStore::get(const std::string& key, Receiver& receiver) {
    getting(receiver, [&](Receiver& watched) { store_->get(key, watched); });
}

void RetryingStore::get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                              Receiver& receiver) {
    getting(receiver, [&](Receiver& watched) { store_->get_range(key, offset, length, watched); });
}

void RetryingStore::getting(Receiver& receiver, const std::function<void(Receiver&)>& get) {
    std::exception_ptr from_receiver;
    retrying(Breaker::Operation::get, [&] {
        WatchedReceiver watched(receiver);
        try {
            get(watched);
        } catch (...) {
            if (!watched.threw()) throw;
            from_receiver = std::current_exception();
        }
    });
    if (from_receiver) std::rethrow_exception(from_receiver);
}

std::optional<ObjectInfo> RetryingStore::head(const std::string& key) {
    std::optional<ObjectInfo> result;
    retrying(Breaker::Operation::head, [&] { result = store_->head(key); });
    return result;
}

ObjectPage RetryingStore::list(const std::string& prefix, const std::string& start_after) {
    ObjectPage result;
    retrying(Breaker::Operation::list, [&] { result = store_->list(prefix, start_after); });
    return result;
}

void RetryingStore::remove(const std::string& key) {
    retrying(Breaker::Operation::remove, [&] { store_->remove(key); });
}

VersionPage RetryingStore::list_versions(const std::string& prefix, const std::string& key_marker,
                                         const std::string& id_marker) {
    VersionPage result;
    retrying(Breaker::Operation::list,
             [&] { result = store_->list_versions(prefix, key_marker, id_marker); });
    return result;
}

void RetryingStore::remove_version(const std::string& key, const std::string& id) {
    retrying(Breaker::Operation::remove, [&] { store_->remove_version(key, id); });
}

void RetryingStore::replace(const std::string& key, const Body& body, const BodyDigest& digest) {
    retrying(Breaker::Operation::put, [&] { store_->replace(key, body, digest); });
}

}  // namespace walferry
