// What messages about an S3 store say to do.
#include <cstdlib>
#include <functional>

#include "common/error.hpp"
#include "common/store/http.hpp"
#include "common/store/s3_store.hpp"
#include "tests/catch.hpp"
#include "tests/contract/scripted_server.hpp"
#include "tests/places.hpp"

using namespace walferry;
using namespace walferry::contract;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

using Operation = std::function<void(ObjectStore&)>;

void put(ObjectStore& store) {
    const Sample sample("a body");
    store.put("p/key", sample, sample.digest());
}
void get(ObjectStore& store) {
    Collector collector;
    store.get("p/key", collector);
}
void list(ObjectStore& store) {
    store.list("p/", "");
}
void remove_key(ObjectStore& store) {
    store.remove("p/key");
}

Error failure(const StoreSettings& settings, const Operation& operation) {
    try {
        operation(*open_store(settings, StoreAccess::write));
    } catch (const Error& error) {
        return error;
    }
    FAIL("it should have failed");
    throw Error(ErrorKind::internal, "");
}

}  // namespace

TEST_CASE("keys that may not do something are told the one right that they lack", "[s3]") {
    const ScriptedServer server;
    const std::pair<Operation, const char*> rows[] = {{put, "s3:PutObject"},
                                                      {get, "s3:GetObject"},
                                                      {list, "s3:ListBucket"},
                                                      {remove_key, "s3:DeleteObject"}};
    for (const auto& [operation, right] : rows) {
        const Error error = failure(server.store("denied-500-chars"), operation);
        INFO(error.what());
        CHECK(contains(error.hint(), right));
        std::size_t rights = 0;
        for (std::size_t at = 0; (at = error.hint().find("s3:", at)) != std::string::npos; ++at) ++rights;
        CHECK(rights == 1);
    }
}

TEST_CASE("a scheme, an addressing or a CA file that does not fit is named", "[s3]") {
    const ScriptedServer server;
    CHECK(contains(failure(server.store("tls-port"), put).hint(), "write https:// in `endpoint`"));
    StoreSettings settings = server.store("no-such-scenario");
    CHECK_FALSE(contains(failure(settings, get).hint(), "addressing"));
    // Every host below localhost is this one.
    settings.addressing = Addressing::virtual_host;
    settings.endpoint = "http://localhost:" + std::to_string(server.port());
    const Error in_host = failure(settings, get);
    INFO(in_host.what());
    CHECK(contains(in_host.hint(), "`addressing = \"path\"`"));
    settings.endpoint = "https://127.0.0.1:" + std::to_string(server.port());
    settings.addressing = Addressing::path;
    const TemporaryDirectory directory;
    settings.ca_file = directory.path() + "/ca.pem";
    CHECK(failure(settings, get).code == unusable_ca_file);
    write_file(settings.ca_file, "no certificate\n", 0644);
    CHECK(failure(settings, get).code == unusable_ca_file);
    // A TLS server that is asked in plain text hangs up, or answers with bytes that are no HTTP.
    const TemporaryDirectory ca;
    run(test::source_file("tests/s3/make-ca.sh") + " " + ca.path());
    const ScriptedServer secure(ca.path(), "server");
    settings = secure.store("record");
    settings.endpoint = "http://127.0.0.1:" + std::to_string(secure.port());
    const Error plain = failure(settings, get);
    INFO(plain.what());
    CHECK(contains(plain.hint(), "https://"));
}

TEST_CASE("a version that a bucket keeps can be removed for good", "[s3]") {
    const ScriptedServer server;
    S3Store store(server.store("versioned"), StoreAccess::write, {});
    CHECK(store.version().empty());
    const Sample sample("a body");
    store.put("p/key", sample, sample.digest());
    CHECK(store.version() == "4_z27c88f1d182b150646ff0b16_f100");
    store.remove_version("p/key", store.version());
    Collector collector;
    store.get("p/key", collector);
    CHECK(collector.text == "/versioned/p/key?versionId=4_z27c88f1d182b150646ff0b16_f100");
    store.remove("p/key");
    store.get("p/key", collector);
    CHECK(collector.text == "/versioned/p/key");
    REQUIRE(store.head("p/key"));
    CHECK(store.version().empty());
    CHECK(store.modified() == std::chrono::sys_days(std::chrono::year(2013) / 5 / 24));
}

TEST_CASE("a proxy of the environment that does not answer is named", "[s3]") {
    const ScriptedServer server;
    StoreSettings settings = server.store("record");
    settings.endpoint = "https://store.invalid";
    ::setenv("https_proxy", "http://user:secret@127.0.0.1:1", 1);
    const Error error = failure(settings, get);
    ::unsetenv("https_proxy");
    INFO(error.what());
    CHECK(error.kind() == ErrorKind::unreachable);
    CHECK(contains(error.what(),
                   "by way of the proxy http://127.0.0.1:1, which https_proxy in the environment"));
    CHECK_FALSE(contains(error.what(), "secret"));
}
