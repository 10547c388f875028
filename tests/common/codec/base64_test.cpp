#include "common/codec/base64.hpp"

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
