#include "common/wal/pg_control.hpp"

#include <unistd.h>

#include <cstring>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"
#include "tests/wal_file.hpp"

using namespace walferry;
using namespace walferry::test;

TEST_CASE("the control file is looked for two folders above the segment, by letters alone", "[pg_control]") {
    CHECK(control_file_beside("/data/pg_wal/000000010000000000000001") == "/data/global/pg_control");
    CHECK(control_file_beside("/data//pg_wal//000000010000000000000001") == "/data/global/pg_control");
    CHECK(control_file_beside("/pg_wal/000000010000000000000001") == "/global/pg_control");
    CHECK(control_file_beside("pg_wal/000000010000000000000001") == "./global/pg_control");
    CHECK(control_file_beside("000000010000000000000001") == "./../global/pg_control");
    CHECK(control_file_beside("../pg_wal/000000010000000000000001") == "../global/pg_control");
    CHECK(control_file_beside("../000000010000000000000001") == "../../global/pg_control");
}

TEST_CASE("the system identifier is the control file's first eight bytes", "[pg_control]") {
    const TempDir dir;
    CHECK(read_system_identifier(dir.write("global/pg_control", pg_control_bytes(sysid))) == sysid);
    CHECK(find_system_identifier(dir / "pg_wal/000000010000000000000001") == sysid);
}

TEST_CASE("a data directory that cannot be found gives no system identifier", "[pg_control]") {
    const TempDir dir;
    CHECK_FALSE(read_system_identifier(dir / "global/pg_control"));
    CHECK_FALSE(find_system_identifier(dir / "pg_wal/000000010000000000000001"));
    dir.write("global", "a file where a folder should be");
    CHECK_FALSE(read_system_identifier(dir / "global/pg_control"));
}

TEST_CASE("a control file without a system identifier is refused, not guessed", "[pg_control]") {
    const TempDir dir;
    CHECK_THROWS_AS(read_system_identifier(dir.write("short", "1234567")), Error);
    CHECK_THROWS_AS(read_system_identifier(dir.write("empty", "")), Error);
    CHECK_THROWS_AS(read_system_identifier(dir.write("zero", std::string(8192, '\0'))), Error);
    CHECK_THROWS_AS(read_system_identifier(dir.path()), Error);
}

TEST_CASE("a system identifier on the command line is decimal digits and nothing else", "[pg_control]") {
    CHECK(parse_system_identifier("7301234567890123456") == sysid);
    CHECK(parse_system_identifier("18446744073709551615") == 18446744073709551615U);
    for (const char* text : {"", "0", "-1", "+1", " 1", "1 ", "0x10", "1e3", "18446744073709551616"}) {
        INFO(text);
        CHECK_FALSE(parse_system_identifier(text));
    }
}

TEST_CASE("the size of WAL segments is found behind floatFormat, wherever that lies", "[pg_control]") {
    const TempDir dir;
    const double float_format = 1234567.0;
    const auto control = [&](std::size_t at, std::uint32_t size) {
        std::string bytes(8192, '\0');
        std::memcpy(&bytes[at], &float_format, sizeof float_format);
        std::memcpy(&bytes[at + 20], &size, sizeof size);
        return dir.write("control" + std::to_string(at), bytes);
    };
    CHECK(read_segment_size(control(208, 16 << 20)) == 16U << 20);
    CHECK(read_segment_size(control(216, 1 << 20)) == 1U << 20);
    CHECK_FALSE(read_segment_size(control(208, 12345)));
    CHECK_FALSE(read_segment_size(dir.write("zero", std::string(8192, '\0'))));
    CHECK_FALSE(read_segment_size(dir / "none"));
}
