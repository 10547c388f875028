#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>

#include "tests/fault/model/broken.hpp"
#include "tests/fault/model/walk.hpp"

using namespace walferry::test::model;
using std::chrono::steady_clock;

namespace {

struct Failure {
    std::string rule;
    std::string text;
    std::size_t step = 0;  // of the list; its size: at the end, after everything was fixed
    std::vector<std::string> story;
};

/// Takes these steps of the list; nullopt when everything held.
std::optional<Failure> walk(std::uint64_t seed, const std::vector<Step>& steps,
                            const std::vector<std::size_t>& taken, bool verbose) {
    Failure failure;
    std::size_t at = 0;
    try {
        Walk walk(seed % 5 == 0, [&](const std::string& text) {
            failure.story.push_back((at < steps.size() ? std::to_string(at) : "end") + "  " + text);
            if (verbose) std::printf("%s\n", failure.story.back().c_str());
        });
        for (const std::size_t index : taken) {
            at = index;
            walk.take(steps[index]);
        }
        at = steps.size();
        walk.converge();
        return std::nullopt;
    } catch (const Broken& broken) {
        failure.rule = broken.rule;
        failure.text = broken.what();
    } catch (const std::exception& error) {
        failure.rule = "the walk itself";
        failure.text = error.what();
    }
    failure.step = at;
    return failure;
}

/// Leaves out whatever is not needed for the same rule to break, larger pieces first.
Failure shrink(std::uint64_t seed, const std::vector<Step>& steps, std::vector<std::size_t>& taken,
               Failure failure, std::chrono::seconds patience) {
    const auto limit = steady_clock::now() + patience;
    for (std::size_t piece = std::max<std::size_t>(taken.size() / 2, 1); piece > 0; piece /= 2) {
        for (std::size_t begin = 0; begin < taken.size();) {
            if (steady_clock::now() > limit) return failure;
            std::vector<std::size_t> fewer(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(begin));
            fewer.insert(fewer.end(),
                         taken.begin() + static_cast<std::ptrdiff_t>(std::min(begin + piece, taken.size())),
                         taken.end());
            if (auto again = walk(seed, steps, fewer, false); again && again->rule == failure.rule) {
                taken = std::move(fewer);
                failure = *std::move(again);
            } else {
                begin += piece;
            }
        }
    }
    return failure;
}

void print(std::uint64_t seed, const std::vector<Step>& steps, const std::vector<std::size_t>& taken,
           const Failure& failure) {
    std::printf("seed %llu, step %zu of %zu: %s\n", static_cast<unsigned long long>(seed), failure.step,
                steps.size(), failure.text.c_str());
    for (const std::string& line : failure.story) std::printf("  %s\n", line.c_str());
    std::printf("replay: model-check --seed %llu --steps %zu --verbose",
                static_cast<unsigned long long>(seed), steps.size());
    if (taken.size() < steps.size()) {
        std::printf(" --only ");
        for (std::size_t i = 0; i < taken.size(); ++i) std::printf("%s%zu", i == 0 ? "" : ",", taken[i]);
    }
    std::printf("\n");
    std::fflush(stdout);
}

struct Options {
    std::uint64_t seed = 0;
    std::size_t steps = 200;
    std::size_t walks = 1;
    long long seconds = 0, shrinking = 120;
    std::vector<std::size_t> only;
    bool verbose = false;
};

int run(const Options& options) {
    const auto began = steady_clock::now();
    const auto over = [&] {
        return options.seconds > 0 && steady_clock::now() - began > std::chrono::seconds(options.seconds);
    };
    std::size_t walks = 0;
    for (std::uint64_t seed = options.seed; options.seconds > 0 ? !over() : walks < options.walks; ++seed) {
        const auto steps = choose_steps(seed, options.steps);
        std::vector<std::size_t> taken = options.only;
        if (taken.empty()) {
            for (std::size_t i = 0; i < steps.size(); ++i) taken.push_back(i);
        }
        for (const std::size_t index : taken) {
            if (index >= steps.size()) throw CLI::ValidationError("--only", "there is no such step");
        }
        ++walks;
        if (auto failure = walk(seed, steps, taken, options.verbose)) {
            print(seed, steps, taken, *failure);
            std::erase_if(taken, [&](std::size_t index) { return index > failure->step; });
            const Failure smallest =
                shrink(seed, steps, taken, *failure, std::chrono::seconds(options.shrinking));
            std::printf("with fewer steps:\n");
            print(seed, steps, taken, smallest);
            return 1;
        }
    }
    std::printf("%zu walks of %zu steps from seed %llu on: all held, in %.1f s\n", walks, options.steps,
                static_cast<unsigned long long>(options.seed),
                std::chrono::duration<double>(steady_clock::now() - began).count());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app(
        "Random walks over push, drain and everything round them, compared with a model after each step");
    app.add_option("--seed", options.seed, "The first walk's [a new one]");
    app.add_option("--steps", options.steps, "Steps of a walk");
    app.add_option("--walks", options.walks, "How many, with consecutive seeds");
    app.add_option("--seconds", options.seconds, "Instead of --walks: until that time is over");
    app.add_option("--only", options.only, "Take only these steps of the walk")->delimiter(',');
    app.add_option("--shrinking", options.shrinking, "Seconds to look for a shorter failing walk");
    app.add_flag("--verbose", options.verbose, "Say each step");
    CLI11_PARSE(app, argc, argv);
    ::umask(022);
    if (app.count("--seed") == 0) options.seed = std::random_device{}() % 1'000'000'000;
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "model-check: %s\n", error.what());
        return 2;
    }
}
