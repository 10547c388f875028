#include "common/wal/crc32c.hpp"

#include <string>

#include "tests/catch.hpp"

using namespace walferry;

TEST_CASE("CRC-32C is the standard's, in pieces of any size") {
    const auto of = [](std::string_view text, std::size_t step) {
        Crc32c crc;
        for (std::size_t at = 0; at < text.size(); at += step) crc.update(as_bytes(text.substr(at, step)));
        return crc.value();
    };
    CHECK(of("123456789", 9) == 0xE3069283);
    CHECK(of("", 1) == 0);
    // RFC 3720, B.4
    CHECK(of(std::string(32, '\0'), 32) == 0x8A9136AA);
    CHECK(of(std::string(32, '\xff'), 32) == 0x62A8AB43);
    const std::string long_text(1000, 'w');
    for (const std::size_t step : std::initializer_list<std::size_t>{1, 3, 8, 17, 999})
        CHECK(of(long_text, step) == of(long_text, 1000));
}
