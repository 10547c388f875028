#include "tests/fault/crash/stage.hpp"

#include <sys/types.h>

#include <filesystem>
#include <limits>
#include <utility>

#include "tests/fault/crash/inspection.hpp"

namespace walferry::crash {
namespace {

namespace fs = std::filesystem;

void append(std::vector<std::string>& all, std::vector<std::string> more) {
    all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

Stage::Stage(const Scenario& scenario, World world, Threads threads)
    : scenario_(scenario),
      prepared_(std::move(world)),
      threads_(threads),
      store_port_(prepared_.s3 != nullptr ? prepared_.s3->port() : 0) {
    fs::create_directories(prepared_.root);
    prepared_.begin();
    scenario.prepare(prepared_);
    fs::rename(prepared_.root, prepared_.folder + "/template");
}

World Stage::fresh() {
    World world = prepared_;
    fs::remove_all(world.root);
    // Modes, times and what is sparse, too.
    world.must({{"/bin/cp", "-a", world.folder + "/template", world.root}, world.folder, world.output(), {}});
    if (world.s3 != nullptr) world.write_configuration("run" + std::to_string(++runs_));
    return world;
}

Ending Stage::command(const World& world, Row& row) {
    Counter counter(Touch({world.root}, store_port_), threads_);
    const Ending ending = trace(scenario_.command(world), [&](const Call& call) {
        Verdict verdict{};
        const auto* counted = counter.look(call, verdict);
        if (counted == nullptr || counted->number != row.position.number ||
            call.moment != row.position.moment)
            return verdict;
        row.reached = true;
        row.call = counted->text;
        return Verdict::kill;
    });
    counted_ = counter.count();
    return ending;
}

void Stage::converge(const World& world, Row& row) {
    for (const Command& command : scenario_.again(world)) {
        const Ending ending = run(command);
        if (ending.exit_code == 0) continue;
        row.wrong.push_back("at the end: " + fs::path(command.argv[0]).filename().string() + " exits with " +
                            std::to_string(ending.exit_code) + ": " + last_words(world));
    }
    append(row.wrong, inspect_end(world).wrong);
}

Row Stage::kill_at(Position position) {
    World world = fresh();
    Row row;
    row.position = position;
    const Ending ending = command(world, row);
    if (ending.too_slow) row.wrong.push_back("the command did not end");
    if (ending.exit_code == 0) {
        for (Segment* segment : scenario_.answers_for(world)) segment->archived = true;
    } else if (!row.reached) {
        row.wrong.push_back("the command failed by itself: " + last_words(world));
    }
    const Inspection found = inspect(world);
    row.state = found.summary();
    append(row.wrong, found.wrong);
    converge(world, row);
    return row;
}

unsigned Stage::count() {
    Row row;
    row.position = {std::numeric_limits<unsigned>::max(), Moment::before};
    (void)command(fresh(), row);
    return counted_;
}

}  // namespace walferry::crash
