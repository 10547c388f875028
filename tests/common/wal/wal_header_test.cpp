#include "common/wal/wal_header.hpp"

#include "tests/catch.hpp"
#include "tests/wal_file.hpp"

using namespace walferry;
using Catch::Matchers::ContainsSubstring;
using test::WalFile;

namespace {

std::optional<std::string> judge(const WalFile& file, std::optional<std::uint64_t> file_size = std::nullopt) {
    const auto header = WalHeader::parse(as_bytes(file.bytes()));
    REQUIRE(header);
    return disagreement(*header, *WalName::parse(file.name), file_size.value_or(file.segment_size),
                        test::sysid);
}

}  // namespace

TEST_CASE("a segment's header is read field by field", "[wal_header]") {
    WalFile file;
    file.name = "0000000300000002000000A1";
    const auto header = WalHeader::parse(as_bytes(file.bytes()));
    REQUIRE(header);
    CHECK(header->magic == 0xD110);
    CHECK(header->info == 2);
    CHECK(header->timeline == 3);
    CHECK(header->page_address == (2ULL << 32) + 0xA1 * (1ULL << 20));
    CHECK(header->system_identifier == test::sysid);
    CHECK(header->segment_size == 1 << 20);
    CHECK(header->block_size == 8192);
}

TEST_CASE("a file too short for a header has none", "[wal_header]") {
    const std::string bytes = WalFile{}.bytes();
    for (std::size_t size = 0; size < WalHeader::bytes; ++size) {
        CHECK_FALSE(WalHeader::parse(as_bytes(bytes).first(size)));
    }
    CHECK(WalHeader::parse(as_bytes(bytes).first(WalHeader::bytes)));
}

TEST_CASE("a good segment agrees with its name, whatever its size", "[wal_header]") {
    for (const std::uint32_t size : {1U << 20, 1U << 24, 1U << 26}) {
        WalFile file;
        file.segment_size = size;
        CHECK_FALSE(judge(file));
        file.name += ".partial";
        CHECK_FALSE(judge(file));
    }
}

TEST_CASE("the first segment after a promotion carries its parent's timeline", "[wal_header]") {
    WalFile file;
    file.name = "000000070000000000000002";
    file.header_timeline = 6;
    CHECK_FALSE(judge(file));
}

TEST_CASE("each disagreement between header and name is told apart", "[wal_header]") {
    struct Row {
        const char* says;
        void (*spoil)(WalFile&);
    };
    const Row rows[] = {
        {"not marked as a long one", [](WalFile& f) { f.info = 0x0005; }},
        {"segment size in the header: expected a power of two", [](WalFile& f) { f.segment_size = 3 << 20; }},
        {"segment size in the header: expected a power of two", [](WalFile& f) { f.segment_size = 1 << 19; }},
        {"block size in the header", [](WalFile& f) { f.block_size = 0; }},
        {"block size in the header", [](WalFile& f) { f.block_size = 8191; }},
        {"WAL position in the header: expected 0/100000 as the name says, found 0/200000",
         [](WalFile& f) { f.address_shift = 1 << 20; }},
        {"WAL position in the header", [](WalFile& f) { f.address_shift = -8192; }},
        {"no segment of that name", [](WalFile& f) { f.name = "000000010000000000001000"; }},
        {"timeline in the header: expected at most 1 as the name says, found 2",
         [](WalFile& f) { f.header_timeline = 2; }},
        {"system identifier in the header: expected 7301234567890123456 as this cluster has, found 42",
         [](WalFile& f) { f.system_identifier = 42; }},
    };
    for (const Row& row : rows) {
        INFO(row.says);
        WalFile file;
        row.spoil(file);
        const auto says = judge(file);
        REQUIRE(says);
        CHECK_THAT(*says, ContainsSubstring(row.says));
    }
}

TEST_CASE("a truncated or a grown segment is told by its size", "[wal_header]") {
    for (const std::uint64_t size : {(1ULL << 20) - 1, (1ULL << 20) + 1, 1ULL << 19, 1ULL << 21, 40ULL}) {
        const auto says = judge(WalFile{}, size);
        REQUIRE(says);
        CHECK_THAT(*says, ContainsSubstring("file size: expected 1048576 bytes as its header says, found"));
    }
}

TEST_CASE("the page magic tells PostgreSQL's version, and an unknown one is no disagreement",
          "[wal_header]") {
    CHECK(pg_version(0xD093) == 9);
    CHECK(pg_version(0xD110) == 15);
    CHECK(pg_version(0xD118) == 18);
    CHECK_FALSE(pg_version(0xD1FF));
    CHECK_FALSE(pg_version(0));
    WalFile file;
    file.magic = 0xD1FF;
    CHECK_FALSE(judge(file));
}
