#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "common/error.hpp"
#include "common/store/object_store.hpp"

namespace walferry {

using SteadyTime = std::chrono::steady_clock::time_point;

struct RetryPolicy {
    int attempts = 4;
    std::chrono::milliseconds base{200};
    std::chrono::milliseconds longest_delay{10'000};
    std::chrono::milliseconds longest_retry_after{30'000};
    // No attempt begins that could end, if the store hangs again, later than this after its operation began …
    std::chrono::milliseconds operation_budget{46'000};
    // … or later than this after the first of a row of failed operations began. With an attempt that another
    // thread has just begun, a dead store costs 90 s at most.
    std::chrono::milliseconds store_budget{66'000};
    std::chrono::milliseconds longest_attempt{25'000};  // connect and silence time-outs together
};

/// What is known when an attempt has failed.
struct FailedAttempt {
    int attempts = 1;  // made so far in this operation
    bool retryable = false;
    std::optional<std::chrono::milliseconds> retry_after;
    std::chrono::milliseconds operation_age{0};
    std::chrono::milliseconds store_failing_for{0};
};

/// How long to wait before the next attempt, nullopt to give up for now. `random` lies in [0, 1). Full
/// jitter: anything between nothing and a bound that doubles; Retry-After is added to that. A store that
/// wants to be left alone for longer than the policy's limit is.
std::optional<std::chrono::milliseconds> next_delay(const RetryPolicy& policy, const FailedAttempt& failed,
                                                    double random);

/// Shared by all connections to one store. Opens when operations of one kind have failed in a row in a way
/// that concerns the store and not one object; from then on every call fails at once, until reset() begins a
/// new pass. Each kind has a row of its own, because a store that takes every object and gives none back is
/// as good as dead. Thread-safe.
class Breaker {
  public:
    enum class State { closed, open };
    enum class Operation { put, get, head, list, remove };

    explicit Breaker(int failures_to_open = 2) : failures_to_open_(failures_to_open) {}

    State state() const;
    /// The message of the last failure that counted; empty when every kind of operation has succeeded since,
    /// or after reset().
    std::string last_error() const;
    /// For a new pass: everything may be tried again.
    void reset();

    /// Throws an Error of the same kind as the last failure when open.
    void check(const std::string& store) const;
    void succeeded(Operation operation);
    void failed(Operation operation, const Error& error, SteadyTime operation_began);
    /// When the first of the operations that have failed in a row began.
    std::optional<SteadyTime> failing_since() const;

  private:
    struct Row {
        int failures = 0;
        SteadyTime since;
        std::optional<Error> last;
    };

    const int failures_to_open_;
    mutable std::mutex mutex_;
    std::map<Operation, Row> rows_;  // of those that failed the last time
};

/// Clock, randomness and waiting, so that a test can bring its own.
struct RetryEnvironment {
    std::function<SteadyTime()> now;
    std::function<double()> random;
    std::function<void(std::chrono::milliseconds)> sleep;  // may return early when asked to stop

    static RetryEnvironment real(std::stop_token stop);
};

/// Repeats what may succeed a moment later, and asks the breaker before each operation.
class RetryingStore : public ObjectStore {
  public:
    RetryingStore(std::unique_ptr<ObjectStore> store, std::string name, RetryPolicy policy,
                  std::shared_ptr<Breaker> breaker, std::stop_token stop, RetryEnvironment environment);

    PutResult put(const std::string& key, const Body& body, const BodyDigest& digest) override;
    void get(const std::string& key, Receiver& receiver) override;
    void get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                   Receiver& receiver) override;
    std::optional<ObjectInfo> head(const std::string& key) override;
    ObjectPage list(const std::string& prefix, const std::string& start_after) override;
    void remove(const std::string& key) override;
    VersionPage list_versions(const std::string& prefix, const std::string& key_marker,
                              const std::string& id_marker) override;
    void remove_version(const std::string& key, const std::string& id) override;
    std::optional<std::chrono::seconds> clock_ahead() const override { return store_->clock_ahead(); }
    void replace(const std::string& key, const Body& body, const BodyDigest& digest) override;

  private:
    void getting(Receiver& receiver, const std::function<void(Receiver&)>& get);
    void retrying(Breaker::Operation kind, const std::function<void()>& operation);
    void after_failure(Breaker::Operation kind, const Error& error, int attempts, SteadyTime began);

    std::unique_ptr<ObjectStore> store_;
    std::string name_;
    RetryPolicy policy_;
    std::shared_ptr<Breaker> breaker_;
    std::stop_token stop_;
    RetryEnvironment environment_;
};

}  // namespace walferry
