#include "common/store/object_name.hpp"

#include "tests/catch.hpp"

using namespace walferry;

namespace {

const std::string fingerprint = "0123456789abcdef0123456789abcdef";
const std::string sha256 = "fedcba9876543210fedcba9876543210";

std::string object(const std::string& segment, const std::string& recipients = "deadbeef",
                   const std::string& suffix = ".zst.age") {
    return segment + "-" + fingerprint + "-" + recipients + "-" + sha256 + suffix;
}

}  // namespace

TEST_CASE("the name of every kind of segment's object reads back to the letter") {
    for (const char* segment : {"000000010000000A000000FF", "000000010000000A000000FF.partial",
                                "00000002.history", "000000010000000A000000FF.00000028.backup"}) {
        for (const std::string& text : {object(segment), object(segment, "00000000", ".zst")}) {
            const auto name = ObjectName::parse(text);
            INFO(text);
            REQUIRE(name);
            CHECK(name->text() == text);
            CHECK(name->segment == segment);
            CHECK(name->fingerprint == fingerprint);
            CHECK(name->sha256 == sha256);
            CHECK(name->stem() == text.substr(0, text.find(sha256)));
            CHECK(ObjectName::parse(name->text()) == name);
        }
    }
}

TEST_CASE("anything that is not exactly an object's name is refused") {
    const std::string segment = "000000010000000A000000FF";
    const std::string good = object(segment);
    REQUIRE(ObjectName::parse(good));

    for (std::size_t length = 0; length < good.size(); ++length) {
        INFO(good.substr(0, length));
        CHECK_FALSE(ObjectName::parse(good.substr(0, length)));
    }
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string damaged = good;
        damaged[i] = 'x';
        INFO(damaged);
        CHECK_FALSE(ObjectName::parse(damaged));
    }
    for (const std::string& text :
         {good + " ", " " + good, "wal/" + good, good + ".age", object(segment, "DEADBEEF"),
          object(segment, "dead"), object(segment, "deadbeef", ".zst"),
          object(segment, "deadbeef", ".zst.gpg"), object(segment, "deadbeef", ".lz4.age"),
          object(segment + "-"), object("000000010000000a000000ff"), object("00000000.history"), object(""),
          object(segment + ".gz"), segment + "--" + fingerprint + "-deadbeef-" + sha256 + ".zst.age"}) {
        INFO(text);
        CHECK_FALSE(ObjectName::parse(text));
    }
}

TEST_CASE("the recipients' tag does not depend on their order") {
    // printf 'age1a\nage1b' | sha256sum
    CHECK(recipients_tag({"age1b", "age1a"}) == recipients_tag({"age1a", "age1b"}));
    CHECK(recipients_tag({"age1a", "age1b"}) == "7889df2c");
    CHECK(recipients_tag({"age1a"}) == "0af2d911");
    CHECK(recipients_tag({}) == "00000000");
}

TEST_CASE("keys lie below prefix, cluster and system identifier") {
    const ObjectKeys keys("prod", "main", 7300000000000000001ULL);
    CHECK(keys.root() == "prod/main/7300000000000000001/");
    CHECK(keys.wal_directory("000000010000000A000000FF") == "prod/main/7300000000000000001/wal/00000001/");
    CHECK(keys.wal_directory("00000002.history") == "prod/main/7300000000000000001/wal/00000002/");
    CHECK(keys.settled({"00000002.history", fingerprint, sha256}) ==
          keys.root() + "settled/00000002.history-" + fingerprint + "-" + sha256 + ".json");
    const auto name = ObjectName::parse(object("00000002.history"));
    REQUIRE(name);
    CHECK(keys.wal(*name) == keys.wal_directory("00000002.history") + name->text());
    CHECK(ObjectKeys("", "main", 1).root() == "main/1/");
}
