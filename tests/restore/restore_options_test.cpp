#include "common/error.hpp"
#include "restore/compared_settings.hpp"
#include "restore/tablespace_option.hpp"
#include "server/setting_line.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::server;

namespace {

using Places = std::pair<std::string, std::string>;

std::vector<std::string> raised(const std::vector<SettingLine>& configured,
                                const std::map<std::string, std::string>& at_backup) {
    std::vector<std::string> found;
    for (const RaisedSetting& each : settings_to_raise(configured, at_backup))
        found.push_back(each.name + "=" + each.at_backup + " for " + each.configured);
    return found;
}

}  // namespace

TEST_CASE("OLD=NEW of a tablespace is read, with an = in a path written as pg_basebackup has it") {
    CHECK(parse_tablespace_option("/mnt/fast=/new") == Places("/mnt/fast", "/new"));
    CHECK(parse_tablespace_option("/a=b=/new") == Places("/a=b", "/new"));
    CHECK(parse_tablespace_option("/a\\=/b=/c\\=/d") == Places("/a=/b", "/c=/d"));
    CHECK(parse_tablespace_option("/a=/b=/c") == Places("/a", "/b=/c"));
    for (const char* text : {"", "/a", "/a=", "=/b", "a=/b", "/a=b", "/a\\=/b"}) {
        INFO(text);
        CHECK_THROWS_AS(parse_tablespace_option(text), Error);
    }
    const Places odd("/a=/b", "/c=");
    CHECK(parse_tablespace_option(tablespace_option(odd.first, odd.second)) == odd);
}

TEST_CASE("settings that the server had higher than its files say are found") {
    CHECK(raised({{"max_connections", "100"}}, {{"max_connections", "300"}}) ==
          std::vector<std::string>{"max_connections=300 for 100"});
    CHECK(raised({{"max_connections", "300"}, {"max_connections", "100"}}, {{"max_connections", "300"}}) ==
          std::vector<std::string>{"max_connections=300 for 100"});
    CHECK(raised({}, {{"max_prepared_transactions", "5"}}) ==
          std::vector<std::string>{"max_prepared_transactions=5 for nothing"});
}

TEST_CASE("those that are as high, or higher, or that recovery does not compare, stay") {
    CHECK(raised({{"max_connections", "300"}}, {{"max_connections", "300"}}).empty());
    CHECK(raised({{"max_connections", "0x200"}}, {{"max_connections", "300"}}).empty());
    CHECK(raised({}, {{"max_connections", "100"}, {"max_wal_senders", "10"}, {"wal_level", "logical"}})
              .empty());
}
