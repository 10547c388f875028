#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace walferry::fetch {

/// What a program writes to its standard output, a few kilobytes at most. Throws server when it cannot be
/// run, fails, or takes longer than `patience`, at the end of which it is killed.
std::string program_output(const std::vector<std::string>& command, std::chrono::milliseconds patience);

}  // namespace walferry::fetch
