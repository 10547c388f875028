// crash-harness PROGRAMS: kills the programs in that folder at every system call that touches the spool, the
// ledger or a store, looks at what is left, runs them again, and looks once more. Prints a row a position.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>

#include "tests/fault/crash/stage.hpp"
#include "tests/fault/crash/table.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::crash;

namespace {

struct Options {
    std::string programs;
    std::vector<std::string> only;
    unsigned every = 1;
    unsigned every_s3 = 1;
    unsigned seed = 0;
    unsigned from = 1;
    int jobs = 1;
    std::string bucket;  // at the S3 server that the environment describes
    std::string document;
    bool list = false;
};

Options options_of(int argc, char** argv) {
    Options options;
    CLI::App app("kills walferry's programs at system calls and looks what comes of it");
    app.add_option("programs", options.programs, "The folder of the programs")->required();
    app.add_option("--scenario", options.only, "Only this one (may be repeated)")->allow_extra_args(false);
    app.add_option("--every", options.every, "Only every N-th position")->check(CLI::PositiveNumber);
    app.add_option("--every-s3", options.every_s3, "The same where an S3 server takes part, in place of it")
        ->check(CLI::PositiveNumber);
    app.add_option("--seed", options.seed, "Which of each N positions");
    app.add_option("--from", options.from, "Begin with this position")->check(CLI::PositiveNumber);
    app.add_option("--jobs", options.jobs, "Workers of a drain")->check(CLI::PositiveNumber);
    app.add_option("--s3", options.bucket, "A bucket of the server that S3_ENDPOINT and so on name");
    app.add_option("--document", options.document, "Write the tables to this file, as Markdown");
    app.add_flag("--list", options.list, "Only name the scenarios");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error));
    }
    options.programs = std::filesystem::canonical(options.programs);
    return options;
}

bool wanted(const Scenario& scenario, const Options& options) {
    if (scenario.needs_s3 && options.bucket.empty()) return false;
    return options.only.empty() ||
           std::find(options.only.begin(), options.only.end(), scenario.name) != options.only.end();
}

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

S3Server s3_server(const Options& options, const test::TempDir& dir) {
    const std::string credentials = dir.write(
        "s3/credentials", "[default]\naws_access_key_id = " + from_environment("S3_ACCESS_KEY") +
                              "\naws_secret_access_key = " + from_environment("S3_SECRET_KEY") + "\n");
    std::filesystem::permissions(credentials, std::filesystem::perms::owner_read);
    return {from_environment("S3_ENDPOINT"), from_environment("S3_REGION"), options.bucket, credentials};
}

Table play(const Scenario& scenario, const Options& options, const test::TempDir& dir, const S3Server* s3) {
    // With more workers no run is like another anyway.
    const bool freely = scenario.threads && options.jobs > 1;
    World world(dir / scenario.name, options.programs);
    world.jobs = options.jobs;
    if (scenario.needs_s3) world.s3 = s3;
    Stage stage(scenario, std::move(world), freely ? Threads::freely : Threads::in_turn);
    const unsigned every = scenario.needs_s3 ? options.every_s3 : options.every;
    Table table{scenario.title, scenario.name, stage.count(), every, {}};
    std::printf("--- %s: %u calls\n", scenario.title.c_str(), table.calls);
    const auto add = [&](Position position) {
        table.rows.push_back(stage.kill_at(position));
        print(table.rows.back());
        return table.rows.back().reached;
    };
    unsigned number = options.from + options.seed % every;
    for (; add({number, Moment::before}); number += every) {
        if (freely) add({number, Moment::after});
    }
    return table;
}

}  // namespace

int main(int argc, char** argv) try {
    const Options options = options_of(argc, argv);
    const test::TempDir dir;
    const S3Server s3 = options.bucket.empty() ? S3Server{} : s3_server(options, dir);
    std::vector<Table> tables;
    for (const Scenario& scenario : scenarios()) {
        if (options.list) {
            std::printf("%s\n", scenario.name.c_str());
        } else if (wanted(scenario, options)) {
            tables.push_back(play(scenario, options, dir, &s3));
        }
    }
    if (!options.document.empty()) std::ofstream(options.document) << document(tables);
    const auto [positions, failures] = totals(tables);
    if (!options.list) std::printf("%u positions, %u failed\n", positions, failures);
    return failures == 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "crash-harness: %s\n", error.what());
    return 2;
}
