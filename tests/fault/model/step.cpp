#include "tests/fault/model/step.hpp"

#include <numeric>
#include <random>

#include "tests/fault/model/walk.hpp"

namespace walferry::test::model {

const std::vector<StepKind>& step_kinds() {
    static const std::vector<StepKind> kinds{
        {"push the next segment", 22, &Walk::push_next},
        {"push again", 9, &Walk::push_again},
        {"push other content under a known name", 4, &Walk::push_other},
        {"push while the ledger is out of reach", 5, &Walk::push_without_ledger},
        {"push what is not what its name says", 1, &Walk::push_wrong},
        {"a new timeline", 2, &Walk::new_timeline},
        {"push a backup label", 2, &Walk::push_backup_label},
        {"kill a push", 5, &Walk::kill_push},
        {"drain", 13, &Walk::drain},
        {"drain a part", 7, &Walk::drain_part},
        {"kill a drain", 10, &Walk::kill_drain},
        {"drain at another time", 1, &Walk::drain_at_another_time},
        {"drain beside a drain", 1, &Walk::drain_while_locked},
        {"drain onto a disk that lies", 3, &Walk::drain_onto_a_faulty_disk},
        {"push beside a drain", 3, &Walk::push_beside_drain},
        {"both writers drain", 3, &Walk::drain_both},
        {"a store goes down", 4, &Walk::store_down},
        {"the stores are back", 5, &Walk::stores_back},
        {"damage an unverified object", 3, &Walk::damage_object},
        {"move damaged objects away", 2, &Walk::move_damaged_away},
        {"lose the ledger", 1, &Walk::lose_ledger},
        {"damage the ledger", 1, &Walk::damage_ledger},
        {"rebuild", 2, &Walk::rebuild},
        {"plant something in the spool", 1, &Walk::plant},
        {"remove what was planted", 3, &Walk::remove_planted},
        {"delete a spool file by hand", 1, &Walk::delete_by_hand},
        {"settle a conflict", 3, &Walk::settle},
        {"add a store", 1, &Walk::add_store},
        {"retire a store", 1, &Walk::retire_store},
        {"forget a store in the configuration", 1, &Walk::forget_store},
        {"import a directory", 3, &Walk::import},
    };
    return kinds;
}

std::vector<Step> choose_steps(std::uint64_t seed, std::size_t count) {
    std::mt19937_64 random(seed);
    const auto& kinds = step_kinds();
    const int all = std::accumulate(kinds.begin(), kinds.end(), 0,
                                    [](int sum, const StepKind& kind) { return sum + kind.weight; });
    const auto number = [&random] { return static_cast<unsigned>(random() >> 40); };
    std::vector<Step> steps(count);
    for (Step& step : steps) {
        auto at = static_cast<int>(number() % static_cast<unsigned>(all));
        while (at >= kinds[step.kind].weight) at -= kinds[step.kind++].weight;
        step.a = number();
        step.b = number();
        step.c = number();
        step.d = number();
    }
    return steps;
}

}  // namespace walferry::test::model
