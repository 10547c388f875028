#include "restore/tablespace_map.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::restore;

TEST_CASE("a tablespace map means the same in any order of its lines") {
    const TablespaceMap places{{16384, "/mnt/a"}, {16400, "/mnt/b c"}, {16401, "/mnt/\\new\nline"}};
    CHECK(parse_tablespace_map(tablespace_map_text(places)) == places);
    CHECK(parse_tablespace_map("16401 /mnt/\\\\new\\\nline\n16384 /mnt/a\n16400 /mnt/b c\n") == places);
    CHECK(parse_tablespace_map("") == TablespaceMap());
}

TEST_CASE("a tablespace map that PostgreSQL would refuse is refused") {
    for (const char* text : {"16384\n", "16384 \n", "x /mnt/a\n", "0 /mnt/a\n", "16384 /a\n16384 /b\n",
                             "16384 /mnt/a", "99999999999 /a\n", "16384 /mnt/a\\"}) {
        INFO(text);
        CHECK_FALSE(parse_tablespace_map(text));
    }
}
