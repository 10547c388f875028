#include "common/codec/age/hkdf.hpp"

#include <vector>

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;

namespace {

std::string derive(const std::string& key_material, const std::string& salt, const std::string& info,
                   std::size_t size) {
    std::vector<std::byte> out(size);
    hkdf_sha256(as_bytes(key_material), as_bytes(salt), info, out);
    return hex(out);
}

std::string run_of(unsigned char first, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += static_cast<char>(first + i);
    return text;
}

}  // namespace

TEST_CASE("HKDF gives the keys of RFC 5869's examples") {
    CHECK(derive(std::string(22, '\x0b'), run_of(0x00, 13), run_of(0xf0, 10), 42) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    CHECK(derive(run_of(0x00, 80), run_of(0x60, 80), run_of(0xb0, 80), 82) ==
          "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da"
          "3275600c2"
          "f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
    CHECK(derive(std::string(22, '\x0b'), "", "", 42) ==
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("HKDF refuses to make more than it can") {
    CHECK(derive("key", "", "", 255 * 32).size() == 255 * 64);
    CHECK_THROWS_AS(derive("key", "", "", 255 * 32 + 1), Error);
}
