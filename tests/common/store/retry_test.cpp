#include "common/store/retry.hpp"

#include "common/store/http.hpp"

#include <thread>
#include <vector>

#include "tests/catch.hpp"
#include "tests/contract/store_under_test.hpp"

using namespace walferry;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

/// A clock that only waiting and scripted operations move.
struct World {
    SteadyTime now{};
    std::vector<milliseconds> waits;
    double random = 0.5;

    RetryEnvironment environment() {
        return {[this] { return now; }, [this] { return random; },
                [this](milliseconds delay) {
                    waits.push_back(delay);
                    now += delay;
                }};
    }
};

/// One step of a script: how long an operation takes and how it ends.
struct Step {
    milliseconds takes{0};
    std::optional<ErrorKind> fails;
    std::optional<milliseconds> retry_after = std::nullopt;
};

/// Follows a script, and its last step for ever.
class ScriptedStore : public ObjectStore {
  public:
    ScriptedStore(World& world, std::vector<Step> script, int& calls)
        : world_(world), script_(std::move(script)), calls_(calls) {}

    PutResult put(const std::string&, const Body&, const BodyDigest&) override {
        act();
        return PutResult::already_there;
    }
    void get_range(const std::string&, std::uint64_t, std::uint64_t, Receiver&) override {}
    void get(const std::string&, Receiver& receiver) override {
        receiver.begin();
        receiver.write(as_bytes("part"));
        act();
    }
    std::optional<ObjectInfo> head(const std::string& key) override {
        act();
        return ObjectInfo{key, 4};
    }
    ObjectPage list(const std::string&, const std::string&) override {
        act();
        return {{ObjectInfo{"k", 1}}, true};
    }
    void remove(const std::string&) override { act(); }

  private:
    void act() {
        const Step step = script_[std::min(static_cast<std::size_t>(calls_++), script_.size() - 1)];
        world_.now += step.takes;
        if (!step.fails) return;
        Error error(*step.fails, "scripted failure", "scripted hint");
        error.retry_after = step.retry_after;
        throw error;
    }

    World& world_;
    std::vector<Step> script_;
    int& calls_;
};

struct Subject {
    World world;
    int calls = 0;
    std::shared_ptr<Breaker> breaker = std::make_shared<Breaker>();

    std::unique_ptr<ObjectStore> open(std::vector<Step> script, std::stop_token stop = {}) {
        return std::make_unique<RetryingStore>(
            std::make_unique<ScriptedStore>(world, std::move(script), calls), "r2", RetryPolicy{}, breaker,
            stop, world.environment());
    }
};

template <typename Call>
std::optional<ErrorKind> outcome(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.kind();
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("the next attempt waits a random part of a bound that doubles") {
    const RetryPolicy policy{20, 200ms, 10s, 30s, 46s, 66s, 0ms};
    struct Row {
        int attempts;
        double random;
        std::optional<milliseconds> delay;
    };
    for (const Row& row : {Row{1, 0.0, 0ms}, Row{1, 0.5, 100ms}, Row{1, 0.995, 199ms}, Row{2, 0.5, 200ms},
                           Row{3, 0.5, 400ms}, Row{6, 0.5, 3200ms}, Row{7, 0.5, 5000ms}, Row{19, 0.5, 5000ms},
                           Row{20, 0.5, std::nullopt}, Row{21, 0.5, std::nullopt}}) {
        INFO(row.attempts << " attempts, random " << row.random);
        FailedAttempt failed;
        failed.attempts = row.attempts;
        failed.retryable = true;
        CHECK((next_delay(policy, failed, row.random) == row.delay));
    }
}

TEST_CASE("there is no next attempt for what cannot help, or when it could end too late") {
    const RetryPolicy policy;
    FailedAttempt failed;
    CHECK_FALSE(next_delay(policy, failed, 0));
    failed.retryable = true;
    CHECK(next_delay(policy, failed, 0));

    // 25 s is what an attempt takes if the store hangs.
    failed.operation_age = 21s;
    CHECK(next_delay(policy, failed, 0));
    failed.operation_age = 21s + 1ms;
    CHECK_FALSE(next_delay(policy, failed, 0));
    failed.operation_age = 0s;
    failed.store_failing_for = 41s;
    CHECK(next_delay(policy, failed, 0));
    failed.store_failing_for = 41s + 1ms;
    CHECK_FALSE(next_delay(policy, failed, 0));
}

TEST_CASE(
    "a store's Retry-After is added to the delay; one that asks for more than the bound is left alone") {
    RetryPolicy policy;
    policy.operation_budget = 10min;
    policy.store_budget = 10min;
    FailedAttempt failed;
    failed.retryable = true;
    failed.retry_after = 3s;
    CHECK((next_delay(policy, failed, 0.5) == 3100ms));
    failed.retry_after = 24h;
    CHECK_FALSE(next_delay(policy, failed, 0.5));
    // Better left for the next pass than waited for.
    CHECK_FALSE(next_delay(RetryPolicy{}, failed, 0.5));
}

TEST_CASE("an operation that succeeds in the end hands its result through") {
    Subject subject;
    const std::vector<Step> script = {{0ms, ErrorKind::throttled, 2s},
                                      {0ms, ErrorKind::server_error},
                                      {0ms, ErrorKind::unreachable},
                                      {0ms, std::nullopt}};
    const contract::Sample sample("x");
    CHECK(subject.open(script)->put("k", sample, sample.digest()) == PutResult::already_there);
    CHECK(subject.calls == 4);
    CHECK((subject.world.waits == std::vector<milliseconds>{2100ms, 200ms, 400ms}));
    CHECK(subject.breaker->last_error().empty());

    subject.calls = 0;
    contract::Collector collector;
    subject.open(script)->get("k", collector);
    CHECK(collector.text == "part");
    CHECK(collector.attempts == 4);
    subject.calls = 0;
    CHECK(subject.open(script)->head("k")->size == 4);
    subject.calls = 0;
    CHECK(subject.open(script)->list("", "").more);
}

TEST_CASE("what is permanent is not tried again") {
    for (const ErrorKind kind :
         {ErrorKind::denied, ErrorKind::no_bucket, ErrorKind::clock_skew, ErrorKind::rejected,
          ErrorKind::not_found, ErrorKind::untrusted, ErrorKind::conflict, ErrorKind::io}) {
        Subject subject;
        INFO(traits(kind).name);
        CHECK((outcome([&] { subject.open({{0ms, kind}})->remove("k"); }) == kind));
        CHECK(subject.calls == 1);
    }
}

TEST_CASE("after two failures in a row a store is left alone until the next pass") {
    Subject subject;
    const auto store = subject.open({{0ms, ErrorKind::denied}});
    CHECK(outcome([&] { store->remove("k"); }) == ErrorKind::denied);
    CHECK(subject.breaker->state() == Breaker::State::closed);
    CHECK(outcome([&] { store->remove("k"); }) == ErrorKind::denied);
    CHECK(subject.breaker->state() == Breaker::State::open);
    CHECK(subject.breaker->last_error() == "scripted failure; hint: scripted hint");

    for (int i = 0; i < 100; ++i) CHECK(outcome([&] { store->head("k"); }) == ErrorKind::denied);
    CHECK(subject.calls == 2);
    try {
        store->head("k");
    } catch (const Error& error) {
        CHECK(error.message() ==
              "store r2 is left for later after 2 failures in a row; the last one: scripted failure");
        CHECK(error.hint() == "scripted hint");
    }
    subject.breaker->reset();
    CHECK(subject.breaker->state() == Breaker::State::closed);
    CHECK(subject.breaker->last_error().empty());
    CHECK(outcome([&] { store->remove("k"); }) == ErrorKind::denied);
    CHECK(subject.calls == 3);
}

TEST_CASE("a store that takes objects and gives none back is left alone as well") {
    Subject subject;
    const contract::Sample sample("x");
    contract::Collector collector;
    // A put and a get in turn; each get fails.
    const auto store = subject.open({{0ms, std::nullopt},
                                     {0ms, ErrorKind::denied},
                                     {0ms, std::nullopt},
                                     {0ms, ErrorKind::denied},
                                     {0ms, std::nullopt}});
    for (int i = 0; i < 2; ++i) {
        CHECK(subject.breaker->state() == Breaker::State::closed);
        store->put("k", sample, sample.digest());
        CHECK(outcome([&] { store->get("k", collector); }) == ErrorKind::denied);
    }
    CHECK(subject.breaker->state() == Breaker::State::open);
    CHECK(outcome([&] { store->put("k", sample, sample.digest()); }) == ErrorKind::denied);
    CHECK(subject.calls == 4);
    subject.breaker->reset();
    CHECK(store->put("k", sample, sample.digest()) == PutResult::already_there);
}

TEST_CASE("failures of single objects do not open the breaker, and success closes it") {
    Subject subject;
    const auto store = subject.open({{0ms, ErrorKind::denied},
                                     {0ms, std::nullopt},
                                     {0ms, ErrorKind::denied},
                                     {0ms, ErrorKind::not_found},
                                     {0ms, ErrorKind::denied},
                                     {0ms, ErrorKind::rejected},
                                     {0ms, ErrorKind::denied},
                                     {0ms, ErrorKind::conflict}});
    for (int i = 0; i < 20; ++i) outcome([&] { store->remove("k"); });
    CHECK(subject.calls == 20);
    CHECK(subject.breaker->state() == Breaker::State::closed);
}

TEST_CASE("a full disk of the receiver's is not taken for a full store") {
    class Full : public Receiver {
      public:
        void begin() override {}
        void write(Bytes) override { throw Error(ErrorKind::no_space, "the local disk is full"); }
    };
    Subject subject;
    const auto store = subject.open({{0ms, std::nullopt}});
    Full full;
    for (int i = 0; i < 5; ++i) CHECK(outcome([&] { store->get("k", full); }) == ErrorKind::no_space);
    CHECK(subject.breaker->state() == Breaker::State::closed);
}

TEST_CASE("a dead store costs a run at most ninety seconds") {
    struct Row {
        const char* way;
        Step step;
    };
    for (const Row& row :
         {Row{"silent", {20s, ErrorKind::unreachable}}, Row{"half dead", {25s, ErrorKind::unreachable}},
          Row{"refusing", {0s, ErrorKind::unreachable}},
          Row{"asking for patience", {0s, ErrorKind::throttled, 20s}},
          Row{"slow to fail", {7s, ErrorKind::server_error}}}) {
        for (const double random : {0.0, 0.5, 0.999}) {
            Subject subject;
            subject.world.random = random;
            const SteadyTime began = subject.world.now;
            const auto store = subject.open({row.step});
            for (int segment = 0; segment < 1000; ++segment) outcome([&] { store->remove("k"); });
            const auto cost = subject.world.now - began;
            INFO(row.way << ", random " << random << ": " << cost / 1ms << " ms");
            // 25 s are left for an attempt that another thread began just before the breaker opened.
            CHECK(cost <= 65s);
            CHECK(subject.breaker->state() == Breaker::State::open);
        }
    }
}

TEST_CASE("no attempt follows once others have found the store dead") {
    Subject subject;
    const Error elsewhere(ErrorKind::unreachable, "found by another thread");
    subject.breaker->failed(Breaker::Operation::remove, elsewhere, subject.world.now);
    subject.breaker->failed(Breaker::Operation::remove, elsewhere, subject.world.now);
    const auto late = subject.open({{0ms, ErrorKind::unreachable}});
    CHECK(outcome([&] { late->remove("k"); }) == ErrorKind::unreachable);
    CHECK(subject.calls == 0);
}

TEST_CASE("a breaker can be used by many threads at once") {
    Breaker breaker;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&breaker] {
                const Error error(ErrorKind::unreachable, "gone");
                for (int n = 0; n < 1000; ++n) {
                    breaker.failed(Breaker::Operation::put, error, SteadyTime{});
                    (void)breaker.state();
                    (void)breaker.last_error();
                    if (n % 10 == 0) breaker.succeeded(Breaker::Operation::put);
                }
            });
        }
    }
    breaker.succeeded(Breaker::Operation::put);
    CHECK(breaker.state() == Breaker::State::closed);
    CHECK_FALSE(breaker.failing_since());
}

TEST_CASE("a stop request ends the waiting between attempts") {
    Subject subject;
    std::stop_source stop;
    const auto store = subject.open({{0ms, ErrorKind::unreachable}}, stop.get_token());
    stop.request_stop();
    CHECK(outcome([&] { store->remove("k"); }) == ErrorKind::interrupted);
    CHECK(subject.calls == 1);
    CHECK(subject.breaker->state() == Breaker::State::closed);
}

TEST_CASE("Retry-After is understood as seconds and as a date") {
    const std::chrono::sys_seconds now{std::chrono::sys_days{std::chrono::year{2013} / 5 / 24}};
    CHECK((parse_retry_after("120", now) == 120s));
    CHECK((parse_retry_after("0", now) == 0s));
    CHECK((parse_retry_after("Fri, 24 May 2013 00:00:30 GMT", now) == 30s));
    CHECK((parse_retry_after("Thu, 23 May 2013 00:00:30 GMT", now) == 0s));
    CHECK((parse_retry_after("-5", now) == 0s));
    CHECK((parse_retry_after("999999999999", now) == 24h));
    for (const char* text : {"", "soon", "1.5.x", "99999999999999999999999999"}) {
        INFO(text);
        CHECK_FALSE(parse_retry_after(text, now));
    }
}
