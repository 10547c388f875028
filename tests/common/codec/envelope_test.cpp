#include "common/codec/envelope.hpp"

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

Envelope sample() {
    Envelope envelope = envelope_for("segment");
    envelope.frame_sha256 = std::string(64, 'a');
    return envelope;
}

bool refused(const std::string& json) {
    try {
        parse_envelope(json);
    } catch (const Error& error) {
        return error.kind() == ErrorKind::integrity;
    }
    return false;
}

/// The sample's JSON with one field changed.
std::string with(const std::string& field, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(envelope_json(sample()));
    json[field] = value;
    return json.dump();
}

bool trusted(const Envelope& envelope, const std::vector<std::string>& writers) {
    try {
        check_signature(envelope, writers);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::integrity);
        return false;
    }
    return true;
}

}  // namespace

TEST_CASE("an envelope survives its JSON, signed and unsigned") {
    Envelope envelope = sample();
    CHECK(parse_envelope(envelope_json(envelope)) == envelope);
    CHECK(
        envelope_json(envelope) ==
        "{\"walferry\":2,\"system_identifier\":\"7301234567890123456\",\"name\":\"000000010000000000000042\","
        "\"size\":7,\"fingerprint\":\"" +
            envelope.fingerprint +
            "\",\"pg_version\":15,\"segment_size\":16777216,"
            "\"spooled_at\":\"2026-01-31T09:05:07.123Z\",\"frame_sha256\":\"" +
            std::string(64, 'a') + "\"}");
    sign_envelope(envelope, WriterKey::generate());
    CHECK(parse_envelope(envelope_json(envelope)) == envelope);
    CHECK(envelope_json(envelope).size() < 1024);
    envelope.facts = std::string(max_facts_size, '"');
    CHECK(parse_envelope(envelope_json(envelope)) == envelope);
}

TEST_CASE("an envelope of a history file needs no version and no segment size") {
    Envelope envelope = sample();
    envelope.name = "00000002.history";
    envelope.pg_version = 0;
    envelope.segment_size = 0;
    CHECK(parse_envelope(envelope_json(envelope)) == envelope);
}

TEST_CASE("what could not be read back is not written") {
    Envelope envelope = sample();
    envelope.spooled_at = "yesterday";
    CHECK_THROWS_AS(envelope_json(envelope), Error);
    envelope = sample();
    envelope.name = "\xff\xfe";
    CHECK_THROWS_AS(envelope_json(envelope), Error);
}

TEST_CASE("unknown fields of an envelope are ignored") {
    CHECK(parse_envelope(with("later", {{"a", 1}, {"b", {1, 2}}})) == sample());
    // A field of that name further inside is none of ours.
    CHECK(parse_envelope(with("later", {{"size", 1}})) == sample());
}

TEST_CASE("every mandatory field of an envelope is missed") {
    const auto json = nlohmann::json::parse(envelope_json(sample()));
    for (const auto& item : json.items()) {
        INFO(item.key());
        auto without = json;
        without.erase(item.key());
        CHECK(refused(without.dump()));
        CHECK(refused(with(item.key(), nullptr)));
        CHECK(refused(with(item.key(), nlohmann::json::array())));
        CHECK(refused(with(item.key(), -1)));
        CHECK(refused(with(item.key(), 1.5)));
        CHECK(refused(with(item.key(), "")));
    }
}

TEST_CASE("fields of an envelope outside their range are refused") {
    CHECK(refused(with("walferry", 1)));
    CHECK(refused(with("walferry", 0)));
    CHECK(refused(with("walferry", "2")));
    CHECK(refused(with("system_identifier", 7301234567890123456)));
    CHECK(refused(with("system_identifier", "007")));
    CHECK(refused(with("system_identifier", "+7")));
    CHECK(refused(with("system_identifier", "7 ")));
    CHECK(refused(with("system_identifier", "18446744073709551616")));
    CHECK_FALSE(refused(with("system_identifier", "18446744073709551615")));
    CHECK(refused(with("name", "00000001000000000000004")));
    CHECK(refused(with("name", "../../etc/passwd")));
    CHECK_FALSE(refused(with("size", 1 << 30)));
    CHECK(refused(with("size", (1 << 30) + 1)));
    CHECK(refused(with("size", "7")));
    CHECK(refused(with("fingerprint", std::string(31, 'a'))));
    CHECK(refused(with("fingerprint", std::string(32, 'A'))));
    CHECK(refused(with("pg_version", 1001)));
    CHECK(refused(with("segment_size", 3)));
    CHECK(refused(with("segment_size", 512 * 1024)));
    CHECK(refused(with("segment_size", 1024 * 1024 + 1)));
    CHECK(refused(with("spooled_at", "2026-02-30T09:05:07.123Z")));
    CHECK(refused(with("frame_sha256", std::string(63, 'a'))));
    CHECK(refused(with("facts", std::string(max_facts_size + 1, ' '))));
    CHECK(refused(with("facts", "a\nb")));
    CHECK(refused(with("facts", nlohmann::json::object())));
    CHECK(refused(with("signature", "AAAA")));
    CHECK(refused(with("writer", WriterKey::generate().public_key())));
}

TEST_CASE("text that is not one JSON object with each field once is refused") {
    const std::string json = envelope_json(sample());
    REQUIRE_FALSE(refused(json));
    CHECK(refused("{\"size\":7," + json.substr(1)));
    CHECK(refused("{\"x\":1,\"x\":1," + json.substr(1)));
    CHECK(refused("{\"si\\u007ae\":7," + json.substr(1)));  // the same name, spelled otherwise
    CHECK(refused(json + json));
    CHECK(refused(json + "x"));
    CHECK(refused("[" + json + "]"));
    CHECK(refused(""));
    CHECK(refused("null"));
    CHECK(refused(std::string(max_envelope_size, '[')));
    CHECK(refused("\xff" + json));
    CHECK_FALSE(refused(json + std::string(max_envelope_size - json.size(), ' ')));
    CHECK(refused(json + std::string(max_envelope_size + 1 - json.size(), ' ')));
    for (std::size_t size = 0; size < json.size(); ++size) CHECK(refused(json.substr(0, size)));
}

TEST_CASE("a signature covers every field") {
    const WriterKey key = WriterKey::generate();
    Envelope envelope = sample();
    sign_envelope(envelope, key);
    REQUIRE(trusted(envelope, {}));
    REQUIRE(trusted(envelope, {"walferry-writer1other", key.public_key()}));

    const auto refuses = [&](auto change) {
        Envelope changed = envelope;
        change(changed);
        return !trusted(changed, {}) && !trusted(changed, {key.public_key()});
    };
    CHECK(refuses([](Envelope& e) { e.system_identifier++; }));
    CHECK(refuses([](Envelope& e) { e.name = "000000010000000000000043"; }));
    CHECK(refuses([](Envelope& e) { e.size++; }));
    CHECK(refuses([](Envelope& e) { e.fingerprint[0] ^= 1; }));
    CHECK(refuses([](Envelope& e) { e.pg_version++; }));
    CHECK(refuses([](Envelope& e) { e.segment_size *= 2; }));
    CHECK(refuses([](Envelope& e) { e.spooled_at = "2026-01-31T09:05:07.124Z"; }));
    CHECK(refuses([](Envelope& e) { e.frame_sha256[0] = 'b'; }));
    CHECK(refuses([](Envelope& e) { e.writer = WriterKey::generate().public_key(); }));
    CHECK(refuses([](Envelope& e) { e.signature[0] = e.signature[0] == 'A' ? 'B' : 'A'; }));
    CHECK(refuses([](Envelope& e) { e.facts = "{}"; }));
    CHECK(refuses([](Envelope& e) { e.signature = "A"; }));
}

TEST_CASE("where writers are named, unsigned envelopes and those of strangers are refused") {
    const WriterKey key = WriterKey::generate();
    CHECK(trusted(sample(), {}));
    CHECK_FALSE(trusted(sample(), {key.public_key()}));
    Envelope foreign = sample();
    sign_envelope(foreign, WriterKey::generate());
    CHECK(trusted(foreign, {}));
    CHECK_FALSE(trusted(foreign, {key.public_key()}));
}

TEST_CASE("what is signed cannot be split into fields in two ways") {
    Envelope one = sample();
    Envelope two = sample();
    one.size = 11;
    one.pg_version = 5;
    two.size = 1;
    two.pg_version = 15;
    CHECK(signed_text(one).bytes() != signed_text(two).bytes());
    const std::string bytes = signed_text(sample()).bytes();
    CHECK(bytes.substr(0, 4) == std::string("\0\0\0\x25", 4));
    CHECK(bytes.substr(4, 37) == "walferry envelope signature, format 2");
    CHECK(bytes.substr(41, 4) == std::string("\0\0\0\x13", 4));
    CHECK(bytes.substr(45, 19) == "7301234567890123456");
}
