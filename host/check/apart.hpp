#pragma once
#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "console/finding.hpp"

namespace walferry::check {

/// What a part of a check hands back beside its findings; one of them at the most, as JSON.
using Facts = nlohmann::json;

/// A part of a check in a process of its own. It can become another user for good, and where it hangs (a dead
/// NFS server, a stopped PostgreSQL) or crashes, nothing else does.
struct Part {
    std::string name;  // the subject of what is said where it gives no answer: "store r2"
    std::function<void(console::Findings&, Facts&)> look;
    std::chrono::milliseconds limit{20'000};
};

struct PartAnswer {
    std::vector<console::Finding> findings;
    std::string facts;  // JSON; "null" where the part came to nothing
};

/// Runs all of them side by side. Answers come in the order of the parts; a part that throws, ends early or
/// exceeds its limit has a finding for it. The caller may have one thread only, because it forks.
std::vector<PartAnswer> run_apart(const std::vector<Part>& parts);

}  // namespace walferry::check
