#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/forbid.hpp"

namespace walferry::crash {

/// What is run: its output goes to the file `output`.
struct Command {
    std::vector<std::string> argv;
    std::string directory;
    std::string output;
    std::vector<test::Forbidden> forbidden;  // system calls that fail, or with error 0 do nothing
};

/// How a command ended. exit_code -1: by `signal`.
struct Ending {
    int exit_code = -1;
    int signal = 0;
    bool too_slow = false;  // it was killed because it did not end in time
};

/// Runs a command to its end.
Ending run(const Command& command);

enum class Moment { before, after };  // a system call does anything; has done all it does

/// A system call of the traced program, which stands still there.
struct Call {
    pid_t thread;
    Moment moment;
    std::uint64_t number;
    std::array<std::uint64_t, 6> arguments;
    std::int64_t result = 0;  // after
};

/// wait: asked again after another thread's call.
enum class Verdict { go_on, wait, kill };

/// The same with every thread under ptrace. `look` is called at each system call, before and after it. On
/// `kill` the whole process gets SIGKILL; a call that it stood before is then not made, which the kernel
/// sees to.
Ending trace(const Command& command, const std::function<Verdict(const Call&)>& look);

}  // namespace walferry::crash
