#include <cstdlib>
#include <string>

#include "tests/catch.hpp"
#include "tests/maintenance/expire/model.hpp"

using namespace walferry::expire;

namespace {

bool long_run() {
    const char* set = std::getenv("WALFERRY_TESTS_LONG");
    return set != nullptr && *set != '\0';
}

}  // namespace

TEST_CASE("expire: on random walks no moment of the window is lost, and nothing stays without need",
          "[expire]") {
    const std::uint64_t walks = long_run() ? 50 : 4;
    const int steps = long_run() ? 200 : 120;
    std::size_t plans = 0, exact = 0, removed = 0;
    for (std::uint64_t seed = 1; seed <= walks; ++seed) {
        model::World world(seed);
        for (int step = 0; step < steps; ++step) {
            if (!world.step()) continue;
            INFO("seed " << seed << ", step " << step);
            const Plan plan = make_plan(world.listing(), world.retention(), world.clock());
            std::string violation;
            try {
                world.check(plan);
                world.carry_out(plan);
            } catch (const std::exception& error) {
                violation = error.what();
            }
            REQUIRE(violation == "");
            ++plans;
        }
        exact += world.exact();
        removed += world.removed();
    }
    CAPTURE(plans, exact, removed);
    CHECK(exact > plans / 4);
    CHECK(removed > plans);
}
