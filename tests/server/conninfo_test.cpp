#include "server/conninfo.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::server;

TEST_CASE("a role takes the place of whatever user a connection string names", "[setup]") {
    const std::pair<const char*, const char*> cases[] = {
        {"", "user=walferry"},
        {"port=5433", "port=5433 user=walferry"},
        {"user=walferry2 port=5433", "port=5433 user=walferry"},
        {"host = '/srv/a b' user='x y'", "host='/srv/a b' user=walferry"},
        {"host='/it''s' ", nullptr},
        {R"(host='/it\'s\\' dbname='')", R"(dbname='' host='/it\'s\\' user=walferry)"},
        {"postgresql:///postgres?host=/tmp&port=5499", "dbname=postgres host=/tmp port=5499 user=walferry"},
        {"postgres://admin@%2Ftmp:5499", "host=/tmp port=5499 user=walferry"},
        {"service=main", "service=main user=walferry"},
    };
    for (const auto& [given, wanted] : cases) {
        CAPTURE(given);
        if (wanted == nullptr) {
            CHECK_THROWS_AS(with_user(given, "walferry"), Error);
            continue;
        }
        CHECK(with_user(given, "walferry") == wanted);
        CHECK(with_user(wanted, "walferry") == wanted);
    }
    CHECK(with_user("", "it's \\ me") == R"(user='it\'s \\ me')");
    CHECK(parse_conninfo(with_user("", "it's \\ me")).at("user") == "it's \\ me");
}

TEST_CASE("what is no connection string is refused, and nothing of it repeated", "[setup]") {
    for (const char* text :
         {"host=x password=secret oops", "hots=secret", "postgresql://u:secret@[h/", "host='secret"}) {
        CAPTURE(text);
        try {
            parse_conninfo(text);
            FAIL("was taken");
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find("secret") == std::string::npos);
        }
    }
}

TEST_CASE("a connection string tells where its sockets are", "[setup]") {
    const auto files = [](const char* text) {
        std::vector<std::string> found;
        for (const SocketPlace& place : socket_places(parse_conninfo(text))) found.push_back(place.file);
        return found;
    };
    CHECK(files("").empty());
    CHECK(files("host=db.example port=5499").empty());
    CHECK(files("host=/tmp") == std::vector<std::string>{"/tmp/.s.PGSQL.5432"});
    CHECK(files("host=/tmp/ port=5499") == std::vector<std::string>{"/tmp/.s.PGSQL.5499"});
    CHECK(files("host=/a,db,/c port=1,2,3") == std::vector<std::string>{"/a/.s.PGSQL.1", "/c/.s.PGSQL.3"});
    CHECK(files("host=/a,/b port=7") == std::vector<std::string>{"/a/.s.PGSQL.7", "/b/.s.PGSQL.7"});
}
