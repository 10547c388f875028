// power-cut PROGRAMS: runs the programs in that folder on a disk of their own, and at every system call that
// touches the spool, the ledger or a store takes what has reached the disk by then: looks at it, runs them
// on it again, and looks once more. Needs root.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "tests/fault/crash/counter.hpp"
#include "tests/fault/crash/disk.hpp"
#include "tests/fault/crash/inspection.hpp"
#include "tests/fault/crash/scenarios.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::crash;

namespace {

struct Options {
    std::string programs;
    std::vector<std::string> only{"push-first", "push-later", "push-again", "push-named",
                                  "drain",      "import",     "rebuild"};
    unsigned every = 1;
    unsigned seed = 0;
    bool hostile = false;
    bool stores_inside = false;
    bool without_sync = false;
};

Options options_of(int argc, char** argv) {
    Options options;
    CLI::App app("takes what walferry's programs have brought to the disk at system calls");
    app.add_option("programs", options.programs, "The folder of the programs")->required();
    app.add_option("--scenario", options.only, "Only this one (may be repeated)")->allow_extra_args(false);
    app.add_option("--every", options.every, "Only every N-th position")->check(CLI::PositiveNumber);
    app.add_option("--seed", options.seed, "Which of each N positions");
    app.add_flag("--hostile", options.hostile, "Names reach the disk at once, data only when synced");
    app.add_flag("--stores-inside", options.stores_inside, "The stores are on the same disk");
    app.add_flag("--without-sync", options.without_sync, "Syncing does nothing: then data must be lost");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error));
    }
    options.programs = std::filesystem::canonical(options.programs);
    return options;
}

/// One scenario, run once from start to end.
class Play {
  public:
    Play(const Scenario& scenario, const Options& options, const std::string& folder)
        : scenario_(scenario),
          options_(options),
          world_(folder, options.programs),
          disk_(world_, options.hostile ? Order::hostile : Order::usual) {
        if (!options.stores_inside) world_.store_place = folder + "/elsewhere";
        world_.begin();
        scenario.prepare(world_);
        disk_.settle();
    }

    void run() {
        Command command = scenario_.command(world_);
        if (options_.without_sync) {
            for (const std::uint32_t call :
                 std::initializer_list<std::uint32_t>{__NR_fsync, __NR_fdatasync, __NR_sync_file_range})
                command.forbidden.push_back({call, 0, 0, 0, 0});
        }
        Counter counter(Touch({world_.root, world_.store_place}, 0), Threads::in_turn);
        const Ending ending = trace(command, [&](const Call& call) {
            Verdict verdict{};
            const auto* counted = counter.look(call, verdict);
            if (counted != nullptr && call.moment == Moment::before &&
                counted->number % options_.every == options_.seed % options_.every)
                cut(std::to_string(counted->number), counted->text);
            return verdict;
        });
        if (ending.exit_code == 0) {
            for (Segment* segment : scenario_.answers_for(world_)) segment->archived = true;
        }
        cut("end", "exit " + std::to_string(ending.exit_code));
        if (ending.exit_code != 0) ++failures;
    }

    unsigned cuts = 0;
    unsigned failures = 0;

  private:
    void cut(const std::string& place, const std::string& call) {
        ++cuts;
        disk_.cut();
        std::string report = look_apart();
        if (report.empty()) report = "\n      WRONG: nothing came back";
        const bool good = report.find('\n') == std::string::npos;
        if (!good) ++failures;
        std::printf("%-5s | %-48s | %s\n", place.c_str(), call.c_str(), report.c_str());
        std::fflush(stdout);
    }

    /// In a process of its own, because only there the cut image is in the disk's place. The state, and a
    /// line for everything that is wrong; nothing when that process failed.
    std::string look_apart() {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            const std::string text = look();
            (void)!::write(ends[1], text.data(), std::min<std::size_t>(text.size(), 60000));
            ::_exit(0);
        }
        ::close(ends[1]);
        std::string report;
        std::array<char, 4096> buffer{};
        for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
            report.append(buffer.data(), static_cast<std::size_t>(got));
        ::close(ends[0]);
        ::waitpid(child, nullptr, 0);
        return report;
    }

    std::string look() {
        try {
            const Aftermath aftermath(world_, disk_);
            const Inspection found = inspect(world_);
            std::string text = found.summary();
            for (const std::string& what : found.wrong) text += "\n      WRONG: " + what;
            for (const Command& command : scenario_.again(world_)) {
                if (crash::run(command).exit_code != 0)
                    text += "\n      WRONG: at the end: " + command.argv[0] + ": " + last_words(world_);
            }
            // The record of an attempt is not worth a sync: without it the object is sent once more.
            for (const std::string& what : inspect_end(world_, 2).wrong) text += "\n      WRONG: " + what;
            return text;
        } catch (const std::exception& error) {
            return std::string("\n      WRONG: ") + error.what();
        }
    }

    const Scenario& scenario_;
    const Options& options_;
    World world_;
    Disk disk_;
};

}  // namespace

int main(int argc, char** argv) try {
    const Options options = options_of(argc, argv);
    const test::TempDir dir;
    unsigned cuts = 0;
    unsigned failures = 0;
    for (const Scenario& scenario : scenarios()) {
        if (std::find(options.only.begin(), options.only.end(), scenario.name) == options.only.end())
            continue;
        std::printf("--- %s\n", scenario.title.c_str());
        Play play(scenario, options, dir / scenario.name);
        play.run();
        cuts += play.cuts;
        failures += play.failures;
    }
    std::printf("%u cuts, %u failed\n", cuts, failures);
    return failures == 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "power-cut: %s\n", error.what());
    return 2;
}
