#include "archive-push/options.hpp"

#include "archive-push/exit_code.hpp"
#include "common/error.hpp"
#include "tests/archive-push/fixture.hpp"

using namespace walferry;
using namespace walferry::test;
using Catch::Matchers::ContainsSubstring;

namespace {

push::CommandLine parse(std::vector<std::string> words) {
    words.insert(words.begin(), "walferry-archive-push");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return push::parse_command_line(static_cast<int>(words.size()), argv.data());
}

}  // namespace

TEST_CASE("options are read in any order, before and after the path", "[push]") {
    const auto line = parse({"--max-spool", "10G", "pg_wal/x", "--min-free=512MiB", "--system-identifier",
                             "7", "--spool", "/spool"});
    CHECK(line.request == push::Request::archive);
    CHECK(line.options.path == "pg_wal/x");
    CHECK(line.options.spool == "/spool");
    CHECK(line.options.system_identifier == 7U);
    CHECK(line.options.max_spool == 10ULL << 30);
    CHECK(line.options.min_free == 512ULL << 20);
}

TEST_CASE("the spool is the option, else $WALFERRY_SPOOL, else the one in /var/spool", "[push]") {
    ::unsetenv("WALFERRY_SPOOL");
    CHECK(parse({"x"}).options.spool == "/var/spool/walferry/main");
    ::setenv("WALFERRY_SPOOL", "", 1);
    CHECK(parse({"x"}).options.spool == "/var/spool/walferry/main");
    ::setenv("WALFERRY_SPOOL", "/from/environment", 1);
    CHECK(parse({"x"}).options.spool == "/from/environment");
    CHECK(parse({"--spool", "/from/option", "x"}).options.spool == "/from/option");
    ::unsetenv("WALFERRY_SPOOL");
}

TEST_CASE("a command line that means nothing is wrong usage", "[push]") {
    const std::vector<std::vector<std::string>> rows = {
        {},
        {"one", "two"},
        {"--spool"},
        {"--spool", "", "x"},
        {"--spool"},
        {"--nonsense", "x"},
        {"-z", "x"},
        {"--help=yes"},
        {"--max-spool", "lots", "x"},
        {"--max-spool", "-1", "x"},
        {"--min-free", "", "x"},
        {"--system-identifier", "0", "x"},
        {"--system-identifier", "12three", "x"},
        {"--help", "x"},
        {"--version", "x"},
    };
    for (const auto& row : rows) {
        std::string shown;
        for (const std::string& word : row) shown += word + " ";
        INFO(shown);
        try {
            parse(row);
            FAIL_CHECK("accepted");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
        }
    }
}

TEST_CASE("--help and --version archive nothing, and say so where a path stands beside them", "[push]") {
    const PushFixture push(GENERATE("walferry-archive-push", "walferry-archive-push-dynamic"));
    const Outcome help = Process({push.program, "--help"}).run();
    CHECK(help.exit_code == 0);
    for (const char* option :
         {"--spool DIR", "--system-identifier N", "--max-spool SIZE", "--min-free SIZE"}) {
        CHECK_THAT(help.out, ContainsSubstring(option));
    }
    CHECK_THAT(help.out, ContainsSubstring("exit status") && ContainsSubstring("%p"));
    CHECK(Process({push.program, "--version"}).run().out == "walferry-archive-push " WALFERRY_VERSION "\n");
    const Outcome both = push.push(push.wal(), {"--help"});
    CHECK(both.exit_code == 2);
    CHECK(is_one_line(both.err));
    CHECK(push.untouched());
}

TEST_CASE("a spool that is not there is told, with what makes one", "[push]") {
    const PushFixture push;
    const std::string path = push.wal();
    for (const std::string& spool : {push.dir / "none", push.data, path}) {
        const Outcome outcome = Process({push.program, "--spool", spool, path}).run();
        CHECK(outcome.exit_code == 2);
        CHECK(is_one_line(outcome.err));
        CHECK_THAT(outcome.err, ContainsSubstring("there is no spool: " + spool +
                                                  "/ready is not a directory; hint: "
                                                  "`walferry init` makes one"));
    }
    CHECK(push.names(push.dir / "none").empty());
}

TEST_CASE("no exit code of push is one that PostgreSQL takes for a crash", "[push]") {
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::rejected); ++kind) {
        const int code = push::exit_code(static_cast<ErrorKind>(kind));
        CHECK(code >= 1);
        CHECK(code <= 3);
    }
    CHECK(push::exit_code(ErrorKind::io) == 1);
    CHECK(push::exit_code(ErrorKind::no_space) == 1);
    CHECK(push::exit_code(ErrorKind::no_spool) == 2);
    CHECK(push::exit_code(ErrorKind::usage) == 2);
    CHECK(push::exit_code(ErrorKind::refused) == 3);
    CHECK(push::exit_code(ErrorKind::conflict) == 3);
}
