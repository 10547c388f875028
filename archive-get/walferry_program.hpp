#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/os/fd.hpp"

namespace walferry::get {

/// Where the operator's command is: beside this program, else somewhere in PATH ("walferry").
std::string find_walferry();

/// Runs it and waits. Returns its exit code; 255 when a signal ended it or it cannot be run, which has been
/// said. It is killed after `patience`, and with its caller.
int run_walferry(const std::string& program, const std::vector<std::string>& arguments,
                 std::chrono::milliseconds patience);

/// Starts it to outlive this process: in a session of its own, in /, with no descriptor of ours but
/// `listening` as 3 and `directory` as 4. Whether it came up, callers of `listening` find out.
void start_helper(const std::string& program, const std::vector<std::string>& arguments, const Fd& listening,
                  const Fd& directory);

}  // namespace walferry::get
