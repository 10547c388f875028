#pragma once
#include <string>
#include <vector>

#include "tests/fault/crash/counter.hpp"
#include "tests/fault/crash/scenarios.hpp"

namespace walferry::crash {

/// Where a command is killed: at the N-th call that counts, from 1.
struct Position {
    unsigned number;
    Moment moment;
};

/// What came of it.
struct Row {
    Position position;
    bool reached = false;  // false: the command made fewer calls and came to its end
    std::string call;
    std::string state;  // after the crash
    std::vector<std::string> wrong;
};

/// A scenario in a folder of its own. Each position begins with the same world, copied from a template.
class Stage {
  public:
    Stage(const Scenario& scenario, World world, Threads threads);

    /// Kills the command there, looks, does everything again, and looks once more.
    Row kill_at(Position position);
    /// How many calls count when nothing is killed.
    unsigned count();

  private:
    World fresh();
    Ending command(const World& world, Row& row);
    void converge(const World& world, Row& row);

    const Scenario& scenario_;
    World prepared_;
    Threads threads_;
    std::uint16_t store_port_;
    unsigned runs_ = 0;
    unsigned counted_ = 0;  // in the last run
};

}  // namespace walferry::crash
