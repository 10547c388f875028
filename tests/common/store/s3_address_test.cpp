#include "common/store/s3_address.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;

namespace {

StoreSettings settings(const std::string& endpoint, Addressing addressing = Addressing::path) {
    StoreSettings store;
    store.name = "r2";
    store.endpoint = endpoint;
    store.bucket = "wal";
    store.addressing = addressing;
    return store;
}

}  // namespace

TEST_CASE("a bucket is addressed by path or by host") {
    struct Row {
        const char* endpoint;
        Addressing addressing;
        const char* host;
        const char* url;
    };
    for (const Row& row :
         {Row{"https://x.r2.cloudflarestorage.com", Addressing::path, "x.r2.cloudflarestorage.com",
              "https://x.r2.cloudflarestorage.com/wal/p/a%2Bb?q=1"},
          Row{"https://s3.example:9000", Addressing::path, "s3.example:9000",
              "https://s3.example:9000/wal/p/a%2Bb?q=1"},
          Row{"https://s3.example:443", Addressing::path, "s3.example", "https://s3.example/wal/p/a%2Bb?q=1"},
          Row{"http://127.0.0.1:80", Addressing::path, "127.0.0.1", "http://127.0.0.1/wal/p/a%2Bb?q=1"},
          Row{"http://[::1]:7480", Addressing::path, "[::1]:7480", "http://[::1]:7480/wal/p/a%2Bb?q=1"},
          Row{"https://s3.eu-central-1.amazonaws.com", Addressing::virtual_host,
              "wal.s3.eu-central-1.amazonaws.com", "https://wal.s3.eu-central-1.amazonaws.com/p/a%2Bb?q=1"},
          Row{"http://localhost:7480", Addressing::virtual_host, "wal.localhost:7480",
              "http://wal.localhost:7480/p/a%2Bb?q=1"}}) {
        const S3Address address(settings(row.endpoint, row.addressing));
        INFO(row.endpoint);
        CHECK(address.host() == row.host);
        CHECK(address.url(address.path("p/a+b"), "q=1") == row.url);
    }
    CHECK(S3Address(settings("https://h")).path("") == "/wal");
    CHECK(S3Address(settings("https://h", Addressing::virtual_host)).path("") == "/");
}

TEST_CASE("an endpoint that cannot be used is refused and named") {
    for (const char* endpoint :
         {"", "s3.example", "ftp://s3.example", "https://", "https:///x", "https://s3.example/",
          "https://s3.example/path", "https://user:secret@s3.example",
          "https://s3.example:", "https://s3.example:http", "https://s3.example:123456", "https://[::1",
          "https://[s3]", "https://::1", "https://s3 example", "https://S3.example", "https://s3.example?x",
          "https://s3.example#x", "https://[::1]x"}) {
        INFO(endpoint);
        try {
            S3Address address(settings(endpoint));
            FAIL("it should have been refused: " << address.host());
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::config);
            CHECK(error.message().starts_with("store r2: endpoint "));
            CHECK_FALSE(error.hint().empty());
        }
    }
    CHECK_THROWS_AS(S3Address(settings("https://10.0.0.1", Addressing::virtual_host)), Error);
}

TEST_CASE("a bucket's name cannot smuggle anything into a request") {
    for (const char* bucket : {"", "a/b", "a b", "a\r\nHost: x", "a?b", "b\xc3\xbc"}) {
        StoreSettings store = settings("https://s3.example");
        store.bucket = bucket;
        CHECK_THROWS_AS(S3Address(store), Error);
    }
}

TEST_CASE("plain http leaves this host only when that was said aloud") {
    for (const char* endpoint : {"http://127.0.0.1:9000", "http://127.8.9.10", "http://localhost:1",
                                 "http://[::1]", "http://b.localhost", "http://[0:0:0:0:0:0:0:1]:9000",
                                 "http://[0000:0000::0001]", "http://[::ffff:127.0.0.1]"}) {
        INFO(endpoint);
        CHECK(S3Address(settings(endpoint)).loopback());
    }
    for (const char* endpoint : {"http://10.0.0.1", "http://s3.example", "http://localhost.example",
                                 "http://[::2]", "http://[0:0:0:0:0:0:1:1]", "http://[::ffff:10.0.0.1]",
                                 "http://127.0.0.1.example", "http://notlocalhost"}) {
        INFO(endpoint);
        StoreSettings store = settings(endpoint);
        CHECK_THROWS_AS(S3Address(store), Error);
        store.allow_http = true;
        CHECK_FALSE(S3Address(store).loopback());
    }
}
