#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tests/fault/crash/world.hpp"

namespace walferry::crash {

/// What is killed, and what is done afterwards. To add one is to add an entry to scenarios.cpp.
struct Scenario {
    std::string name;
    std::string title;
    /// With one thread, right after a call and before the next one are the same; with several they are not.
    bool threads = false;
    /// Fills an empty world and says which segments are archived already.
    std::function<void(World&)> prepare;
    std::function<Command(const World&)> command;
    /// Segments that a successful end of `command` answers for.
    std::function<std::vector<Segment*>(World&)> answers_for;
    /// What people and timers do next, each of which must end with exit 0.
    std::function<std::vector<Command>(const World&)> again;
    bool needs_s3 = false;
};

const std::vector<Scenario>& scenarios();

}  // namespace walferry::crash
