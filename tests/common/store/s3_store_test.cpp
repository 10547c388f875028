// What an S3 store makes of servers that lie, stall and babble (tests/s3/misbehave.py).
#include <algorithm>
#include <filesystem>
#include <thread>

#include "common/error.hpp"
#include "common/store/retry.hpp"
#include "tests/catch.hpp"
#include "tests/contract/scripted_server.hpp"
#include "tests/places.hpp"

using namespace walferry;
using namespace walferry::contract;

namespace {

enum class Operation { put, get, head, list, remove };

std::string perform(const StoreSettings& settings, Operation operation, std::stop_token stop = {}) {
    const auto store = open_store(settings, StoreAccess::write, nullptr, stop);
    const Sample sample("a body");
    Collector collector;
    switch (operation) {
        case Operation::put:
            store->put("p/key", sample, sample.digest());
            break;
        case Operation::get:
            store->get("p/key", collector);
            break;
        case Operation::head:
            store->head("p/key");
            break;
        case Operation::list:
            store->list("p/", "");
            break;
        case Operation::remove:
            store->remove("p/key");
            break;
    }
    return collector.text;
}

Error failure(const StoreSettings& settings, Operation operation, std::stop_token stop = {}) {
    try {
        perform(settings, operation, stop);
    } catch (const Error& error) {
        return error;
    }
    FAIL("it should have failed");
    throw Error(ErrorKind::internal, "");
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

StoreSettings patient(StoreSettings settings) {
    settings.attempts = 4;
    return settings;
}

StoreSettings nervous(StoreSettings settings) {
    settings.silence_timeout = std::chrono::seconds(1);
    return settings;
}

}  // namespace

TEST_CASE("a put carries what every S3 server understands and nothing else", "[s3]") {
    const ScriptedServer server;
    StoreSettings settings = server.store("record");
    write_file(server.credentials_file(),
               "[default]\naws_access_key_id = key\naws_secret_access_key = secret\naws_session_token = "
               "the+token=\n",
               0600);
    perform(settings, Operation::put);
    const std::string head = perform(settings, Operation::get);
    INFO(head);
    CHECK(head.starts_with("PUT /record/p/key HTTP/1.1\r\n"));
    CHECK(contains(head, "\r\nHost: 127.0.0.1:" + std::to_string(server.port())));
    CHECK(contains(head, "\r\nContent-Length: 6"));
    CHECK(contains(head, "\r\nx-amz-content-sha256: "));
    CHECK(contains(head, "\r\nx-amz-date: "));
    CHECK(contains(head, "\r\nx-amz-security-token: the+token="));
    CHECK(contains(head, "\r\nUser-Agent: walferry/"));
    CHECK(contains(head, "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "));
    CHECK(std::count(head.begin(), head.end(), '\n') == 7);
    CHECK_FALSE(contains(head, "secret"));
}

TEST_CASE("a bucket with Object Lock gets its Content-MD5 without being configured", "[s3]") {
    const ScriptedServer server;
    // One attempt is enough where the store says what it wants; one that hangs up is understood by the next.
    for (const auto& [scenario, attempts] : {std::pair{"object-lock", 1}, {"object-lock-hangs-up", 2}}) {
        INFO(scenario);
        StoreSettings settings = server.store(scenario);
        settings.attempts = attempts;
        const auto store = open_store(settings, StoreAccess::write);
        const Sample large = Sample::random(3'000'000, 1);
        for (const Sample& sample : {large, Sample("a body"), Sample("")}) {
            CHECK_NOTHROW(store->put("p/key", sample, sample.digest()));
        }
        Collector refusals;
        store->get("p/key", refusals);
        CHECK(refusals.text == "1");
    }
}

TEST_CASE("a passing failure is tried again until it is over", "[s3]") {
    const ScriptedServer server;
    for (const char* scenario : {"slow-down", "too-many-requests", "error-in-200", "bad-digest", "hang-up"}) {
        INFO(scenario);
        CHECK_NOTHROW(perform(patient(server.store(scenario)), Operation::put));
    }
    CHECK(perform(patient(server.store("truncated-once")), Operation::get) == "whole object");
}

TEST_CASE("each passing failure has its kind when there are no attempts left", "[s3]") {
    struct Row {
        const char* scenario;
        Operation operation;
        ErrorKind kind;
    };
    for (const Row& row : {Row{"slow-down", Operation::put, ErrorKind::throttled},
                           Row{"too-many-requests", Operation::list, ErrorKind::throttled},
                           Row{"error-in-200", Operation::put, ErrorKind::server_error},
                           Row{"bad-digest", Operation::put, ErrorKind::server_error},
                           Row{"always-500", Operation::get, ErrorKind::server_error},
                           Row{"hang-up", Operation::put, ErrorKind::unreachable},
                           Row{"truncated", Operation::get, ErrorKind::unreachable},
                           Row{"claims-exabytes", Operation::get, ErrorKind::unreachable},
                           Row{"without-length", Operation::get, ErrorKind::server_error},
                           Row{"length-is-garbage", Operation::get, ErrorKind::server_error},
                           Row{"length-behind-a-blank", Operation::get, ErrorKind::server_error},
                           Row{"length-behind-the-end", Operation::get, ErrorKind::server_error},
                           Row{"endless-headers", Operation::get, ErrorKind::server_error},
                           Row{"endless-list", Operation::list, ErrorKind::server_error},
                           Row{"garbage", Operation::list, ErrorKind::server_error},
                           Row{"empty-list", Operation::list, ErrorKind::server_error},
                           Row{"web-page", Operation::list, ErrorKind::server_error},
                           Row{"no-http", Operation::get, ErrorKind::server_error}}) {
        const ScriptedServer server;
        INFO(row.scenario);
        const Error error = failure(server.store(row.scenario), row.operation);
        INFO(error.what());
        CHECK(traits(error.kind()).name == traits(row.kind).name);
        CHECK(traits(error.kind()).retryable());
        CHECK(error.message().starts_with("store scripted: "));
    }
}

TEST_CASE("a header without an end is cut off", "[s3]") {
    const ScriptedServer server;
    const Error error = failure(server.store("endless-header-line"), Operation::get);
    INFO(error.what());
    CHECK(traits(error.kind()).retryable());
}

TEST_CASE("the store's wish to be left alone for a while is passed on", "[s3]") {
    const ScriptedServer server;
    const Error error = failure(server.store("slow-down"), Operation::put);
    REQUIRE(error.retry_after);
    CHECK(*error.retry_after == std::chrono::seconds(1));
}

TEST_CASE("an object that arrives in chunks is whole", "[s3]") {
    const ScriptedServer server;
    CHECK(perform(server.store("chunked"), Operation::get) == "whole object");
}

TEST_CASE("a server that writes its status in lower case, or a trailer like a status, is understood",
          "[s3]") {
    const ScriptedServer server;
    for (const char* scenario : {"status-in-lower-case", "trailer-like-a-status"}) {
        INFO(scenario);
        CHECK(perform(server.store(scenario), Operation::get) == "whole object");
    }
}

TEST_CASE("a listing that does not answer the question is refused", "[s3]") {
    const ScriptedServer server;
    for (const char* scenario : {"list-nothing-and-more", "list-other-prefix", "list-unordered"}) {
        const Error error = failure(server.store(scenario), Operation::list);
        INFO(scenario << ": " << error.what());
        CHECK(error.kind() == ErrorKind::server_error);
    }
    const auto store = open_store(server.store("list-same-again"), StoreAccess::write);
    const ObjectPage page = store->list("p/", "");
    REQUIRE(page.more);
    CHECK_THROWS_AS(store->list("p/", page.objects.back().key), Error);
}

TEST_CASE("a document type in an answer is passed over, and nothing of it expands", "[s3]") {
    const ScriptedServer server;
    const ObjectPage page = open_store(server.store("list-entities"), StoreAccess::write)->list("p/", "");
    REQUIRE(page.objects.size() == 1);
    CHECK(page.objects.front().key == "p/&b;");
}

TEST_CASE("keys in a listing are decoded when the server says that it encoded them", "[s3]") {
    const ScriptedServer server;
    const auto store = open_store(server.store("list-url-encoded"), StoreAccess::write);
    const ObjectPage page = store->list("p/", "");
    REQUIRE(page.objects.size() == 1);
    CHECK(page.objects.front().key == "p/a+b c%&");
    CHECK(page.objects.front().size == 12);
}

TEST_CASE("a permanent failure says what to do, and is not tried again", "[s3]") {
    struct Row {
        const char* scenario;
        Operation operation;
        ErrorKind kind;
        std::vector<std::string> says;
    };
    const ScriptedServer server;
    for (const Row& row :
         {Row{"denied-without-body", Operation::head, ErrorKind::denied, {"403", server.credentials_file()}},
          Row{"redirect",
              Operation::put,
              ErrorKind::rejected,
              {"301 PermanentRedirect", "\"eu-north-1\"", "bucket.elsewhere.example", "`region`"}},
          Row{"redirect-without-body",
              Operation::get,
              ErrorKind::rejected,
              {"307", "http://127.0.0.1:1/elsewhere"}},
          Row{"wrong-region",
              Operation::list,
              ErrorKind::rejected,
              {"\"eu-north-1\"", "`region`", "us-east-1"}},
          Row{"skewed", Operation::put, ErrorKind::clock_skew, {"2013-05-24T00:00:00", "this host's clock"}},
          Row{"skewed-without-body",
              Operation::head,
              ErrorKind::clock_skew,
              {"2013-05-24T00:00:00", "timedatectl"}},
          Row{"full", Operation::put, ErrorKind::no_space, {"QuotaExceeded"}},
          Row{"too-large", Operation::put, ErrorKind::rejected, {"EntityTooLarge"}},
          Row{"no-such-scenario",
              Operation::get,
              ErrorKind::no_bucket,
              {"NoSuchBucket", "no-such-scenario"}}}) {
        // More attempts would end the same way; with 4 of them and a message that counts none, none was made.
        const Error error = failure(patient(server.store(row.scenario)), row.operation);
        INFO(row.scenario << ": " << error.what());
        CHECK(traits(error.kind()).name == traits(row.kind).name);
        CHECK_FALSE(traits(error.kind()).retryable());
        CHECK_FALSE(error.message().empty());
        for (const std::string& part : row.says) CHECK(contains(error.what(), part));
    }
}

TEST_CASE("a web server's 404 is not taken for the absence of an object", "[s3]") {
    const ScriptedServer server;
    for (const Operation operation : {Operation::get, Operation::head, Operation::remove}) {
        const Error error = failure(server.store("not-found-page"), operation);
        INFO(error.what());
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(contains(error.hint(), "is an S3 server at"));
    }
}

TEST_CASE("a server's message is cut and made harmless", "[s3]") {
    const ScriptedServer server;
    const Error error = failure(server.store("denied-500-chars"), Operation::put);
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(contains(error.message(), "403 AccessDenied (" + std::string(200, 'x') + "...)"));
    CHECK_FALSE(contains(error.what(), "\x1b"));
}

TEST_CASE("an error without an end is cut off and still understood", "[s3]") {
    const ScriptedServer server;
    CHECK(failure(server.store("endless-error"), Operation::get).kind() == ErrorKind::denied);
}

TEST_CASE("silence and dripping end a request", "[s3]") {
    const ScriptedServer server;
    for (const char* scenario : {"silent", "drip-body", "drip-headers"}) {
        const Error error = failure(nervous(server.store(scenario)), Operation::get);
        INFO(scenario << ": " << error.what());
        CHECK(error.kind() == ErrorKind::unreachable);
        CHECK(contains(error.message(), "no answer for 1 s"));
    }
}

TEST_CASE("a request is given up at once when asked to stop", "[s3]") {
    const ScriptedServer server;
    std::stop_source stop;
    const std::jthread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        stop.request_stop();
    });
    CHECK(failure(server.store("silent"), Operation::get, stop.get_token()).kind() == ErrorKind::interrupted);
}

TEST_CASE("waiting for the next attempt ends when asked to stop", "[s3]") {
    const ScriptedServer server;
    std::stop_source stop;
    const std::jthread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        stop.request_stop();
    });
    StoreSettings settings = server.store("always-500");
    settings.attempts = 1000;
    CHECK(failure(settings, Operation::get, stop.get_token()).kind() == ErrorKind::interrupted);
}

TEST_CASE("nobody listening is unreachable", "[s3]") {
    StoreSettings settings;
    const TemporaryDirectory directory;
    {
        const ScriptedServer server;
        settings = server.store("record");
    }
    settings.credentials_file = directory.path() + "/credentials";
    write_file(settings.credentials_file, "[default]\naws_access_key_id=a\naws_secret_access_key=b\n", 0600);
    CHECK(failure(settings, Operation::get).kind() == ErrorKind::unreachable);
}

TEST_CASE("a host name that does not resolve is said again at every attempt", "[s3]") {
    const ScriptedServer server;
    StoreSettings settings = server.store("record");
    settings.endpoint = "https://no-such-host.invalid";
    settings.attempts = 3;
    const auto store = open_store(settings, StoreAccess::write);
    for (int operation = 0; operation < 2; ++operation) {
        Collector collector;
        try {
            store->get("p/key", collector);
            FAIL("it should have failed");
        } catch (const Error& error) {
            INFO(error.what());
            CHECK(error.kind() == ErrorKind::unreachable);
            CHECK(contains(error.what(), "no-such-host.invalid"));
        }
    }
}

TEST_CASE("keys that were replaced while the program runs are used", "[s3]") {
    const ScriptedServer server;
    // Patient, so that the failures before do not decide.
    const auto breaker = std::make_shared<Breaker>(100);
    const auto store = open_store(server.store("rotated"), StoreAccess::write, breaker);
    Collector collector;
    const auto refusal = [&] {
        try {
            store->get("p/key", collector);
        } catch (const Error& error) {
            return error.message();
        }
        return std::string("none");
    };
    CHECK(contains(refusal(), "403 InvalidAccessKeyId"));
    // In the middle of a rotation the file may be missing; what the store said is still the better message.
    std::filesystem::remove(server.credentials_file());
    CHECK(contains(refusal(), "403 InvalidAccessKeyId"));
    write_file(server.credentials_file(),
               "[default]\naws_access_key_id = new-key\naws_secret_access_key = x\n", 0600);
    CHECK(refusal() == "none");
    CHECK(collector.text == "fine");
}

TEST_CASE("restoring uses its own keys where there are some", "[s3]") {
    const ScriptedServer server;
    const TemporaryDirectory directory;
    StoreSettings settings = server.store("rotated");
    settings.restore_credentials_file = directory.path() + "/read-only";
    write_file(settings.restore_credentials_file,
               "[default]\naws_access_key_id=new-key\naws_secret_access_key=x\n", 0600);
    Collector collector;
    CHECK_THROWS_AS(open_store(settings, StoreAccess::write)->get("p/key", collector), Error);
    open_store(settings, StoreAccess::restore)->get("p/key", collector);
    CHECK(collector.text == "fine");
}

TEST_CASE("a certificate that does not prove who answers ends it at once", "[s3]") {
    const TemporaryDirectory ca;
    run(test::source_file("tests/s3/make-ca.sh") + " " + ca.path());
    const auto try_it = [&](const char* certificate, const std::string& trusted) {
        const ScriptedServer server(ca.path(), certificate);
        StoreSettings settings = patient(server.store("chunked"));
        settings.ca_file = trusted;
        return perform(settings, Operation::get);
    };
    const auto refusal = [&](const char* certificate, const std::string& trusted) {
        try {
            try_it(certificate, trusted);
        } catch (const Error& error) {
            INFO(error.what());
            CHECK_FALSE(traits(error.kind()).retryable());
            return error.kind();
        }
        return ErrorKind::internal;
    };
    CHECK(try_it("server", ca.path() + "/ca.pem") == "whole object");
    CHECK(refusal("server", "") == ErrorKind::untrusted);
    CHECK(refusal("server", ca.path() + "/stranger.pem") == ErrorKind::untrusted);
    CHECK(refusal("wrong-name", ca.path() + "/ca.pem") == ErrorKind::untrusted);
    CHECK(refusal("expired", ca.path() + "/ca.pem") == ErrorKind::untrusted);
    CHECK(refusal("server", ca.path() + "/missing.pem") == ErrorKind::config);
}
