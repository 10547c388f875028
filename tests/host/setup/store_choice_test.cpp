#include "host/setup/store_choice.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::setup;

TEST_CASE("a bucket is named by its address", "[setup]") {
    const StoreChoice plain = parse_s3_choice("r2=https://acc.r2.cloudflarestorage.com/wal");
    CHECK(plain.name == "r2");
    CHECK(plain.endpoint == "https://acc.r2.cloudflarestorage.com");
    CHECK(plain.bucket == "wal");
    CHECK(plain.prefix.empty());
    CHECK(plain.region == "auto");
    const StoreChoice deep = parse_s3_choice("m=http://127.0.0.1:9000/b/prod/eu/");
    CHECK(deep.endpoint == "http://127.0.0.1:9000");
    CHECK(deep.bucket == "b");
    CHECK(deep.prefix == "prod/eu");
}

TEST_CASE("what names no bucket, or no store, is wrong usage", "[setup]") {
    for (const char* text :
         {"", "r2", "r2=", "=https://h/b", "r2=https://host", "r2=https://host/", "r2=host/bucket"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_s3_choice(text), Error);
    }
    CHECK_THROWS_AS(parse_directory_choice("/mnt/nas"), Error);
    CHECK(parse_directory_choice("nas=/mnt/nas").path == "/mnt/nas");
}

TEST_CASE("most endpoints tell their region", "[setup]") {
    CHECK(region_of("https://s3.us-west-004.backblazeb2.com") == "us-west-004");
    CHECK(region_of("https://s3.eu-central-1.amazonaws.com") == "eu-central-1");
    CHECK(region_of("https://s3.nl-ams.scw.cloud") == "nl-ams");
    CHECK(region_of("https://fsn1.your-objectstorage.com") == "fsn1");
    CHECK(region_of("https://nyc3.digitaloceanspaces.com") == "nyc3");
    CHECK(region_of("https://minio.example.com:9000") == "us-east-1");
    CHECK(region_of("http://127.0.0.1:7480") == "us-east-1");
}

TEST_CASE("an option for a store names one that there is", "[setup]") {
    std::vector<StoreChoice> stores{parse_s3_choice("r2=https://h.example/b")};
    const auto [store, value] = for_store(stores, "--region", "r2=eu");
    CHECK(store == &stores[0]);
    CHECK(value == "eu");
    CHECK_THROWS_AS(for_store(stores, "--region", "b2=eu"), Error);
    CHECK_THROWS_AS(for_store(stores, "--region", "eu"), Error);
}
