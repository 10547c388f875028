#include "common/codec/age/bech32.hpp"

#include <array>

#include "tests/catch.hpp"

using namespace walferry;

namespace {

bool decodes(std::string_view text, std::string_view prefix, std::size_t bytes) {
    std::array<std::byte, 64> data{};
    return bech32_decode(text, prefix, std::span(data).first(bytes));
}

}  // namespace

TEST_CASE("Bech32 accepts the examples of BIP-173 and writes them the same way") {
    struct Example {
        std::string_view text, prefix;
        std::size_t bytes;
    };
    const Example examples[] = {
        {"A12UEL5L", "A", 0},
        {"a12uel5l", "a", 0},
        {"?1ezyfcl", "?", 0},
        {"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
         "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio", 0},
        {"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", 20},
        {"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split", 30},
    };
    for (const Example& example : examples) {
        INFO(example.text);
        std::array<std::byte, 64> data{};
        const auto filled = std::span(data).first(example.bytes);
        CHECK(bech32_decode(example.text, example.prefix, filled));
        CHECK(bech32_encode(example.prefix, filled).view() == example.text);
    }
}

TEST_CASE("Bech32 refuses the bad examples of BIP-173") {
    CHECK_FALSE(decodes("A1G7SGD8", "A", 0));  // checksum over the prefix in upper case
    CHECK_FALSE(decodes("A12uEL5L", "A", 0));  // mixed case
    CHECK_FALSE(decodes("a12UEL5L", "a", 0));
    CHECK_FALSE(decodes("x1b4n0q5v", "x", 0));  // no such character
    CHECK_FALSE(decodes("li1dgmt3", "li", 0));  // too short for a checksum
    CHECK_FALSE(decodes("pzry9x0s0muk", "pzry9x0s0muk", 0));
    CHECK_FALSE(decodes("1pzry9x0s0muk", "p", 0));
    CHECK_FALSE(decodes("", "age", 32));
}

TEST_CASE("no mistyped character of a key is accepted") {
    const std::string text(bech32_encode("age", std::array<std::byte, 32>{}).view());
    REQUIRE(decodes(text, "age", 32));
    for (std::size_t i = 0; i < text.size(); ++i) {
        for (const char c : std::string_view("qpzry9x8gf2tvdw0s3jn54khce6mua7lb1 -AQ\n")) {
            if (text[i] == c) continue;
            std::string typo = text;
            typo[i] = c;
            if (decodes(typo, "age", 32)) FAIL("accepted " << typo);
        }
        if (decodes(text.substr(0, i), "age", 32)) FAIL("accepted " << text.substr(0, i));
    }
    CHECK_FALSE(decodes(text + "q", "age", 32));
    CHECK_FALSE(decodes(text, "AGE", 32));
    CHECK_FALSE(decodes(text, "age", 31));
}

TEST_CASE("a key with set padding bits is refused even with a fitting checksum") {
    CHECK(decodes("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z", "age", 32));
    CHECK_FALSE(decodes("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpfwgqrs", "age", 32));
    CHECK_FALSE(decodes("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqg2vceql", "age", 32));
}
