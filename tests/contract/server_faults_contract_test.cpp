// What happens when a real server refuses, hangs or dies in the middle.
#include <thread>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/contract/store_under_test.hpp"

using namespace walferry;
using namespace walferry::contract;

namespace {

Error failure(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    FAIL("it should have failed");
    throw Error(ErrorKind::internal, "");
}

std::string access_key_in(const std::string& credentials_file) {
    const std::string text = read_file(credentials_file);
    const std::string name = "aws_access_key_id = ";
    const std::size_t begin = text.find(name);
    REQUIRE(begin != std::string::npos);
    return text.substr(begin + name.size(), text.find('\n', begin) - begin - name.size());
}

/// Puts the server into a state, and back into order when it goes out of scope.
class Disturbance {
  public:
    Disturbance(const StoreUnderTest& server, const char* what, const char* undo)
        : command_(server.control + " "), undo_(undo) {
        run(command_ + what);
    }
    ~Disturbance() { CHECK(std::system((command_ + undo_).c_str()) == 0); }
    Disturbance(const Disturbance&) = delete;
    Disturbance& operator=(const Disturbance&) = delete;

  private:
    std::string command_;
    const char* undo_;
};

void put(ObjectStore& store, const std::string& key, const Sample& sample) {
    store.put(key, sample, sample.digest());
}

}  // namespace

TEST_CASE("wrong keys are denied, and no message holds a secret", "[contract]") {
    for (const StoreUnderTest& under_test : servers_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const TemporaryDirectory directory;
            const std::string right_key = access_key_in(under_test.settings.credentials_file);
            for (const std::string& id : {right_key, std::string("no-such-key")}) {
                StoreUnderTest wrong = under_test;
                wrong.settings.credentials_file = directory.path() + "/credentials";
                write_file(
                    wrong.settings.credentials_file,
                    "[default]\naws_access_key_id = " + id + "\naws_secret_access_key = W0NDERFULSECRET\n",
                    0600);
                for (int operation = 0; operation < 3; ++operation) {
                    const auto store = wrong.open();
                    const Error error = failure([&] {
                        Collector collector;
                        if (operation == 0) put(*store, "contract/denied", Sample("x"));
                        if (operation == 1) store->get("contract/denied", collector);
                        if (operation == 2) store->head("contract/denied");
                    });
                    INFO(error.what());
                    CHECK(traits(error.kind()).name == traits(ErrorKind::denied).name);
                    CHECK(std::string(error.what()).find(wrong.settings.credentials_file) !=
                          std::string::npos);
                    CHECK(std::string(error.what()).find("W0NDERFULSECRET") == std::string::npos);
                }
            }
        }
    }
}

TEST_CASE("another body than announced is not stored", "[contract]") {
    for (const StoreUnderTest& under_test : servers_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            StoreUnderTest once = under_test;
            once.settings.attempts = 1;
            const std::string key = under_test.fresh_prefix() + "damaged-on-the-way";
            CHECK_THROWS_AS(once.open()->put(key, Sample("what arrives"), Sample("what was sent").digest()),
                            Error);
            CHECK_FALSE(under_test.open()->head(key));
        }
    }
}

TEST_CASE("a server that was killed is unreachable, and back when it is back", "[contract]") {
    for (const StoreUnderTest& under_test : servers_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            const auto store = under_test.open();
            const std::string key = under_test.fresh_prefix() + "survives";
            put(*store, key, Sample("x"));
            Collector collector;
            {
                const Disturbance killed(under_test, "crash", "up");
                CHECK(failure([&] { store->get(key, collector); }).kind() == ErrorKind::unreachable);
                CHECK(failure([&] { put(*store, key, Sample("x")); }).kind() == ErrorKind::unreachable);
            }
            const auto again = under_test.open();
            again->get(key, collector);
            CHECK(collector.text == "x");
        }
    }
}

TEST_CASE("a server that hangs is given up after the silence time-out", "[contract]") {
    for (StoreUnderTest under_test : servers_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            under_test.settings.silence_timeout = std::chrono::seconds(1);
            under_test.settings.connect_timeout = std::chrono::seconds(1);
            under_test.settings.attempts = 2;
            const std::string key = under_test.fresh_prefix() + "paused";
            const Sample sample = Sample::random(1 << 20, 5);
            const auto store = under_test.open();
            put(*store, key, sample);
            {
                const Disturbance paused(under_test, "pause", "resume");
                Collector collector;
                CHECK(failure([&] { put(*store, key + "2", sample); }).kind() == ErrorKind::unreachable);
                CHECK(failure([&] { under_test.open()->get(key, collector); }).kind() ==
                      ErrorKind::unreachable);
            }
            Collector collector;
            under_test.open()->get(key, collector);
            CHECK((collector.text == sample.text()));
        }
    }
}

TEST_CASE("a server that dies in the middle of an object does not pass for its end", "[contract]") {
    class CrashingReceiver : public Receiver {
      public:
        explicit CrashingReceiver(std::string command) : command_(std::move(command)) {}
        void begin() override { received_ = 0; }
        void write(Bytes bytes) override {
            received_ += bytes.size();
            if (!std::exchange(crashed_, true)) run(command_);
        }
        std::size_t received() const { return received_; }

      private:
        std::string command_;
        bool crashed_ = false;
        std::size_t received_ = 0;
    };
    for (StoreUnderTest under_test : servers_under_test()) {
        if (!under_test.thorough) continue;
        DYNAMIC_SECTION(under_test.name) {
            under_test.settings.attempts = 2;
            const std::string key = under_test.fresh_prefix() + "large";
            const Sample sample = Sample::random(32 << 20, 6);
            put(*under_test.open(), key, sample);
            CrashingReceiver receiver(under_test.control + " crash");
            const Error error = failure([&] { under_test.open()->get(key, receiver); });
            CHECK(std::system((under_test.control + " up").c_str()) == 0);
            INFO(error.what());
            CHECK(traits(error.kind()).retryable());
            CHECK(receiver.received() < sample.size());
        }
    }
}

TEST_CASE("a transfer stops in the middle when asked to", "[contract]") {
    for (StoreUnderTest under_test : servers_under_test()) {
        DYNAMIC_SECTION(under_test.name) {
            // Slow enough that the request to stop comes first.
            under_test.settings.bandwidth_limit = 200'000;
            std::stop_source stop;
            const auto store = under_test.open(stop.get_token());
            const std::jthread later([&stop] {
                std::this_thread::sleep_for(std::chrono::milliseconds(300));
                stop.request_stop();
            });
            const std::string key = under_test.fresh_prefix() + "stopped";
            const Sample sample = Sample::random(8 << 20, 8);
            CHECK(failure([&] { put(*store, key, sample); }).kind() == ErrorKind::interrupted);
            CHECK_FALSE(under_test.open()->head(key));
        }
    }
}

TEST_CASE("what comes from a store keeps to its bandwidth_limit", "[contract]") {
    for (StoreUnderTest under_test : servers_under_test()) {
        if (!under_test.thorough) continue;
        DYNAMIC_SECTION(under_test.name) {
            const std::string key = under_test.fresh_prefix() + "limited";
            const Sample sample = Sample::random(1 << 20, 9);
            put(*under_test.open(), key, sample);
            under_test.settings.bandwidth_limit = 400'000;
            Collector collector;
            const auto begin = std::chrono::steady_clock::now();
            under_test.open()->get(key, collector);
            // The first second's worth may come at once.
            CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(1500));
            CHECK((collector.text == sample.text()));
        }
    }
}
