#include "archive-get/options.hpp"

#include "archive-get/exit_code.hpp"
#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using Catch::Matchers::ContainsSubstring;

namespace {

get::CommandLine parse(std::vector<std::string> words) {
    words.insert(words.begin(), "walferry-archive-get");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return get::parse_command_line(static_cast<int>(words.size()), argv.data());
}

}  // namespace

TEST_CASE("archive-get's options are read before and after NAME and DEST", "[get]") {
    const auto line = parse({"--only", "r2", "NAME", "--without=b2", "pg_wal/RECOVERYXLOG", "--only", "nas",
                             "--config", "/a.toml", "--system-identifier", "7", "--no-prefetch"});
    CHECK(line.options.name == "NAME");
    CHECK(line.options.destination == "pg_wal/RECOVERYXLOG");
    CHECK(line.options.only == std::vector<std::string>{"r2", "nas"});
    CHECK(line.options.without == std::vector<std::string>{"b2"});
    CHECK(line.options.config == "/a.toml");
    CHECK(line.options.system_identifier == 7U);
    CHECK_FALSE(line.options.prefetch);
    CHECK(get::fetch_arguments(line.options) == std::vector<std::string>{"--config", "/a.toml", "--only",
                                                                         "nas", "--only", "r2", "--without",
                                                                         "b2"});
}

TEST_CASE("archive-get hands on where the spool is, or that there is none", "[get]") {
    CHECK(get::fetch_arguments(parse({"a", "b", "--spool", "/s"}).options) ==
          std::vector<std::string>{"--spool", "/s"});
    CHECK(get::fetch_arguments(parse({"a", "b", "--no-spool"}).options) ==
          std::vector<std::string>{"--no-spool"});
}

TEST_CASE("archive-get says what is wrong with its command line", "[get]") {
    CHECK_THROWS_WITH(parse({}), ContainsSubstring("no file is named"));
    CHECK_THROWS_WITH(parse({"a"}), ContainsSubstring("only one of NAME and DEST"));
    CHECK_THROWS_WITH(parse({"a", "b", "c"}), ContainsSubstring("from c on"));
    CHECK_THROWS_WITH(parse({"a", ""}), ContainsSubstring("destination"));
    CHECK_THROWS_WITH(parse({"--oops", "a", "b"}), ContainsSubstring("--oops is not an option"));
    CHECK_THROWS_WITH(parse({"a", "b", "--only"}), ContainsSubstring("--only needs an argument"));
    CHECK_THROWS_WITH(parse({"a", "b", "--system-identifier", "x"}),
                      ContainsSubstring("no system identifier"));
    CHECK_THROWS_WITH(parse({"a", "b", "--spool", "s"}), ContainsSubstring("no absolute path"));
    CHECK_THROWS_WITH(parse({"a", "b", "--spool=/s", "--no-spool"}), ContainsSubstring("exclude each other"));
    CHECK_THROWS_WITH(parse({"--help", "a", "b"}), ContainsSubstring("restore nothing"));
}

TEST_CASE("Only proof ends a recovery; a standby hears that it may ask again", "[get]") {
    using get::Outcome;
    struct Row {
        Outcome outcome;
        bool standby;
        int code;
    };
    const Row rows[] = {
        {Outcome::restored, false, 0}, {Outcome::restored, true, 0},  {Outcome::absent, false, 1},
        {Outcome::absent, true, 1},    {Outcome::failed, false, 255}, {Outcome::failed, true, 1},
        {Outcome::stopped, true, 255},
    };
    for (const Row& row : rows) CHECK(get::exit_code(row.outcome, row.standby) == row.code);
}
