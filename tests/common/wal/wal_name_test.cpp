#include "common/wal/wal_name.hpp"

#include "tests/catch.hpp"

using namespace walferry;

TEST_CASE("every kind of file that PostgreSQL archives is recognised by its name", "[wal_name]") {
    struct Row {
        const char* text;
        WalKind kind;
        std::uint32_t timeline, log, seg;
    };
    const Row rows[] = {
        {"000000010000000000000001", WalKind::segment, 1, 0, 1},
        {"0000000A0000001F000000FF", WalKind::segment, 10, 31, 255},
        {"FFFFFFFFFFFFFFFFFFFFFFFF", WalKind::segment, 0xffffffff, 0xffffffff, 0xffffffff},
        {"000000020000000300000004.partial", WalKind::partial, 2, 3, 4},
        {"000000020000000300000004.00000028.backup", WalKind::backup, 2, 3, 4},
        {"00000002.history", WalKind::history, 2, 0, 0},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const auto name = WalName::parse(row.text);
        REQUIRE(name);
        CHECK(name->text == row.text);
        CHECK(name->kind == row.kind);
        CHECK(name->timeline == row.timeline);
        CHECK(name->log == row.log);
        CHECK(name->seg == row.seg);
        CHECK(name->timeline_digits() == std::string(row.text, 8));
    }
}

TEST_CASE("a name that is not exactly a WAL file's is none", "[wal_name]") {
    const char* rows[] = {"",
                          "0",
                          "00000001",
                          "00000001000000000000000",
                          "0000000100000000000000011",
                          "00000001000000000000000g",
                          "00000001000000000000000a",
                          "000000000000000000000001",
                          "00000000.history",
                          "00000001.History",
                          "0000001.history",
                          "00000001.history.gz",
                          "000000010000000000000001.partia",
                          "000000010000000000000001.partial.gz",
                          "000000010000000000000001.backup",
                          "000000010000000000000001.0000028.backup",
                          "000000010000000000000001.0000002g.backup",
                          "000000010000000000000001 ",
                          " 000000010000000000000001",
                          "+00000010000000000000001",
                          "archive_status",
                          "../000000010000000000000001"};
    for (const char* row : rows) {
        INFO(row);
        CHECK_FALSE(WalName::parse(row));
    }
    const std::string with_nul("000000010000000000000001\0", 25);
    CHECK_FALSE(WalName::parse(with_nul));
}

TEST_CASE("a segment's place in the WAL follows from its name and size", "[wal_name]") {
    const auto start = [](const char* name, std::uint64_t size) {
        return WalName::parse(name)->start_lsn(size);
    };
    constexpr std::uint64_t mib = 1 << 20;
    CHECK(start("000000010000000000000001", 16 * mib) == 16 * mib);
    CHECK(start("0000000100000002000000FF", 16 * mib) == (2ULL << 32) + 255 * 16 * mib);
    CHECK(start("000000010000000200000FFF", mib) == (2ULL << 32) + 4095 * mib);
    CHECK(start("000000010000000200000003", 1024 * mib) == (2ULL << 32) + 3 * 1024 * mib);
}

TEST_CASE("a name whose last part is too large for the segment size has no place", "[wal_name]") {
    constexpr std::uint64_t mib = 1 << 20;
    CHECK_FALSE(WalName::parse("000000010000000000000100")->start_lsn(16 * mib));
    CHECK_FALSE(WalName::parse("000000010000000000000004")->start_lsn(1024 * mib));
    CHECK_FALSE(WalName::parse("000000010000000000000001")->start_lsn(0));
}

TEST_CASE("the segment that holds a place in the WAL has the name PostgreSQL gives it", "[wal_name]") {
    constexpr std::uint64_t mib = 1 << 20;
    CHECK(WalName::segment_at(1, 16 * mib, 16 * mib).text == "000000010000000000000001");
    CHECK(WalName::segment_at(10, (2ULL << 32) + 256 * 16 * mib - 1, 16 * mib).text ==
          "0000000A00000002000000FF");
    CHECK(WalName::segment_at(1, (2ULL << 32) + 4095 * mib, mib).text == "000000010000000200000FFF");
    for (const std::uint64_t size : {mib, 16 * mib, 1024 * mib}) {
        const WalName name = WalName::segment_at(3, 0x1'2345'6789'abcdULL, size);
        const auto parsed = WalName::parse(name.text);
        REQUIRE(parsed);
        CHECK(parsed->start_lsn(size) == 0x1'2345'6789'abcdULL / size * size);
        CHECK(name.start_lsn(size) == parsed->start_lsn(size));
    }
}
