#include "common/codec/settlement.hpp"

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/store/object_name.hpp"
#include "tests/catch.hpp"

using namespace walferry;

namespace {

Settlement sample() {
    return {7301234567890123456,
            "000000010000000000000042",
            std::string(32, 'f'),
            "2026-01-31T09:05:07.123Z",
            {},
            {}};
}

std::string refusal(const Settlement& settlement, const std::vector<std::string>& writers) {
    try {
        check_signature(settlement, writers);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::integrity);
        return error.message();
    }
    return "";
}

bool refused(const std::string& json) {
    try {
        parse_settlement(json);
    } catch (const Error& error) {
        return error.kind() == ErrorKind::integrity;
    }
    return false;
}

}  // namespace

TEST_CASE("a settlement survives its JSON, signed and unsigned") {
    Settlement settlement = sample();
    CHECK(settlement_json(settlement) ==
          "{\"walferry_settlement\":1,\"system_identifier\":\"7301234567890123456\","
          "\"name\":\"000000010000000000000042\",\"fingerprint\":\"ffffffffffffffffffffffffffffffff\","
          "\"settled_at\":\"2026-01-31T09:05:07.123Z\"}\n");
    CHECK(parse_settlement(settlement_json(settlement)) == settlement);
    sign_settlement(settlement, WriterKey::generate());
    CHECK(parse_settlement(settlement_json(settlement)) == settlement);
}

TEST_CASE(
    "a settlement counts with a trusted writer's signature over every field, or without trusted writers") {
    const WriterKey ours = WriterKey::generate();
    const WriterKey theirs = WriterKey::generate();
    Settlement settlement = sample();
    CHECK(refusal(settlement, {}).empty());
    CHECK(refusal(settlement, {ours.public_key()}) == "it is not signed");
    sign_settlement(settlement, ours);
    CHECK(refusal(settlement, {}).empty());
    CHECK(refusal(settlement, {theirs.public_key(), ours.public_key()}).empty());
    CHECK(refusal(settlement, {theirs.public_key()}).find("who is not trusted") != std::string::npos);
    for (const auto& change : std::vector<void (*)(Settlement&)>{
             [](Settlement& s) { ++s.system_identifier; }, [](Settlement& s) { s.name.back() = '3'; },
             [](Settlement& s) { s.fingerprint.front() = '0'; },
             [](Settlement& s) { s.settled_at.front() = '1'; }, [](Settlement& s) { s.signature[5] ^= 1; }}) {
        Settlement changed = settlement;
        change(changed);
        CHECK_FALSE(refusal(changed, {ours.public_key()}).empty());
        CHECK_FALSE(refusal(changed, {}).empty());
    }
}

TEST_CASE("a settlement that is not exactly one is refused") {
    const auto with = [](const std::string& field, const nlohmann::json& value) {
        auto json = nlohmann::json::parse(settlement_json(sample()));
        json[field] = value;
        return json.dump();
    };
    CHECK_FALSE(refused(with("later", "versions may add fields")));
    CHECK(refused(with("walferry_settlement", 2)));
    CHECK(refused(with("system_identifier", "01")));
    CHECK(refused(with("name", "../etc/passwd")));
    CHECK(refused(with("fingerprint", "F")));
    CHECK(refused(with("settled_at", "yesterday")));
    CHECK(refused(with("writer", "walferry-writer1x")));
    CHECK(refused(with("signature", "AAAA")));
    CHECK(refused(with("later", std::string(5000, 'x'))));
    const std::string text = settlement_json(sample());
    for (std::size_t length = 0; length + 1 < text.size(); ++length) CHECK(refused(text.substr(0, length)));
}

TEST_CASE("a settlement's name is parsed to the letter", "[name]") {
    const SettlementName name{"00000002.history", std::string(32, 'a'), std::string(32, 'b')};
    CHECK(SettlementName::parse(name.text()) == name);
    CHECK_FALSE(SettlementName::parse("00000002.history-" + std::string(32, 'a')));
    CHECK_FALSE(SettlementName::parse(name.text() + ".json"));
    CHECK_FALSE(SettlementName::parse("x-" + std::string(32, 'a') + "-" + std::string(32, 'b') + ".json"));
    CHECK(ObjectKeys("p", "main", 7).settled(name) == "p/main/7/settled/" + name.text());
}
