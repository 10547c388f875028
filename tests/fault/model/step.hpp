#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace walferry::test::model {

class Walk;

/// A step is chosen by the seed alone: what it does to what depends on where the walk has come to, so that
/// any step can be left out and the others still make sense.
struct Step {
    std::size_t kind = 0;
    unsigned a = 0, b = 0, c = 0, d = 0;
};

struct StepKind {
    const char* name;
    int weight;
    void (Walk::*take)(const Step&);
};

const std::vector<StepKind>& step_kinds();

std::vector<Step> choose_steps(std::uint64_t seed, std::size_t count);

}  // namespace walferry::test::model
