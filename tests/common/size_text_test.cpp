#include "common/size_text.hpp"

#include "tests/catch.hpp"

using walferry::parse_size;

TEST_CASE("sizes are bytes, or carry a unit that is a power of 1024", "[size_text]") {
    CHECK(parse_size("0") == 0U);
    CHECK(parse_size("4096") == 4096U);
    CHECK(parse_size("1B") == 1U);
    for (const char* text : {"10G", "10g", "10GB", "10gb", "10GiB", "10 G", "10 GiB"}) {
        INFO(text);
        CHECK(parse_size(text) == 10ULL << 30);
    }
    CHECK(parse_size("64kB") == 64U << 10);
    CHECK(parse_size("512MiB") == 512U << 20);
    CHECK(parse_size("3T") == 3ULL << 40);
    CHECK(parse_size("2PiB") == 2ULL << 50);
    CHECK(parse_size("18446744073709551615") == 18446744073709551615U);
}

TEST_CASE("a size that is not quite one is refused", "[size_text]") {
    for (const char* text :
         {"", " ", "G", "-1", "+1", "1.5G", "10GG", "10 ", "10  G", "10i", "10Gi", "10BB", "10X", "1 0",
          "10GiBs", "0x10", "18446744073709551616", "16384P", "99999999999999T"}) {
        INFO(text);
        CHECK_FALSE(parse_size(text));
    }
}
