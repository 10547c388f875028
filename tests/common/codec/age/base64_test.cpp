#include "common/codec/age/base64.hpp"

#include "tests/catch.hpp"

using namespace walferry;

TEST_CASE("base64 is written without padding and read back") {
    for (const auto& [plain, text] :
         {std::pair{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}}) {
        CHECK(base64_encode(as_bytes(plain)) == text);
        const auto back = base64_decode(text);
        REQUIRE(back);
        CHECK(as_text(*back) == plain);
    }
}

TEST_CASE("base64 has one text for one content") {
    // Padding, line breaks, foreign characters, the alphabet for addresses, a lone character, bits left over.
    for (const std::string text :
         {"Zg==", "Zg\n", "\nZg", "Z g", "Zm-v", "Zm_v", "Z", "Zm9vY", "Zh", "Zm9"}) {
        INFO(text);
        CHECK_FALSE(base64_decode(text).has_value());
    }
    CHECK_FALSE(base64_decode(std::string_view("Zg\0", 3)).has_value());
}

TEST_CASE("base64 takes the 64 characters of its alphabet and no other byte") {
    int taken = 0;
    for (int c = 0; c < 256; ++c) {
        const std::string text{'A', static_cast<char>(c), 'A', 'A'};
        const auto bytes = base64_decode(text);
        if (!bytes) continue;
        ++taken;
        CHECK(base64_encode(*bytes) == text);
    }
    CHECK(taken == 64);
}
