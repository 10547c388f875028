#include "tests/fault/crash/scenarios.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "common/ledger/sqlite.hpp"

namespace walferry::crash {
namespace {

using Commands = std::vector<Command>;

// PostgreSQL asks again until push succeeds; then the timer's drain comes.
Scenario pushing(std::string name, std::string title, std::function<void(World&)> prepare,
                 std::vector<test::Forbidden> forbidden = {}) {
    Scenario scenario;
    scenario.name = std::move(name);
    scenario.title = std::move(title);
    scenario.prepare = std::move(prepare);
    scenario.command = [forbidden](const World& world) {
        Command command = world.push(world.segments.back());
        command.forbidden = forbidden;
        return command;
    };
    scenario.answers_for = [](World& world) { return std::vector{&world.segments.back()}; };
    scenario.again = [](const World& world) {
        return Commands{world.push(world.segments.back()), world.drain()};
    };
    return scenario;
}

Scenario draining(std::string name, std::string title, std::function<void(World&)> prepare) {
    Scenario scenario;
    scenario.name = std::move(name);
    scenario.title = std::move(title);
    scenario.threads = true;
    scenario.prepare = std::move(prepare);
    scenario.command = [](const World& world) { return world.drain(); };
    scenario.answers_for = [](World&) { return std::vector<Segment*>(); };
    scenario.again = [](const World& world) { return Commands{world.drain()}; };
    return scenario;
}

void one_archived(World& world) {
    world.archive(world.add(1));
    world.add(2);
}

// The ledger could not be reached when the second one was pushed, so the drain has to adopt it.
void two_spooled(World& world) {
    world.archive(world.add(1));
    const std::string ledger = world.spool().ledger_directory();
    std::filesystem::rename(ledger, ledger + "-away");
    world.archive(world.add(2));
    std::filesystem::rename(ledger + "-away", ledger);
}

// One was sent before, by an archive_command that never heard of its success.
void old_archive(World& world) {
    world.archive(world.add(1));
    for (const unsigned number : {1U, 2U, 3U}) world.add_source(number, world.legacy());
}

/// Pages beyond the first two are not what they were, and the write-ahead log still has something to say.
void corrupt_ledger(World& world) {
    world.archive(world.add(1));
    world.must(world.drain());
    {
        sqlite::Database database(world.spool().ledger(), {});
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    world.archive(world.add(2));
    std::fstream file(world.spool().ledger(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192);
    for (int i = 0; i < 500; ++i) file << World::corruption;
    if (!file.flush()) throw std::runtime_error("cannot write to the ledger");
    world.ledger_was_corrupt = true;
}

Scenario importing() {
    Scenario scenario;
    scenario.name = "import";
    scenario.title = "import: three segments, one of which is in the spool already";
    scenario.prepare = old_archive;
    scenario.command = [](const World& world) { return world.walferry({"import", world.legacy()}); };
    scenario.answers_for = [](World& world) {
        std::vector<Segment*> all;
        for (Segment& segment : world.segments) all.push_back(&segment);
        return all;
    };
    scenario.again = [](const World& world) {
        return Commands{world.walferry({"import", world.legacy()}), world.drain()};
    };
    return scenario;
}

Scenario rebuilding() {
    Scenario scenario;
    scenario.name = "rebuild";
    scenario.title = "rebuild: a damaged ledger, one segment in the stores and one in the spool";
    scenario.threads = true;
    scenario.prepare = corrupt_ledger;
    scenario.command = [](const World& world) { return world.walferry({"rebuild"}); };
    scenario.answers_for = [](World&) { return std::vector<Segment*>(); };
    scenario.again = [](const World& world) { return Commands{world.walferry({"rebuild"}), world.drain()}; };
    return scenario;
}

std::vector<Scenario> make() {
    std::vector<Scenario> all;
    all.push_back(
        pushing("push-first", "push: the first segment of a cluster", [](World& world) { world.add(1); }));
    all.push_back(pushing("push-later", "push: a later segment", one_archived));
    all.push_back(pushing("push-again", "push: a segment that is in the spool already",
                          [](World& world) { world.archive(world.add(1)); }));
    all.push_back(pushing("push-verified", "push: a segment that every store has already", [](World& world) {
        world.archive(world.add(1));
        world.must(world.drain());
    }));
    all.push_back(pushing("push-named", "push: on a filesystem without unnamed files", one_archived,
                          {test::no_unnamed_files}));
    all.push_back(draining("drain", "drain: two segments to two directories", two_spooled));
    all.push_back(importing());
    all.push_back(rebuilding());
    all.push_back(draining("drain-s3", "drain: two segments to a directory and an S3 server", two_spooled));
    all.back().needs_s3 = true;
    return all;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = make();
    return all;
}

}  // namespace walferry::crash
