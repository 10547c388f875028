// kill-at-call NUMBER OUTPUT COMMAND...
// Runs a command, its output to the file OUTPUT, and kills it before it makes the system call of that number,
// counted over all of its threads. Ends with 0 when it was killed, with 3 when it came to a good end before,
// else with 1.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tests/fault/crash/tracer.hpp"

using namespace walferry::crash;

int main(int argc, char** argv) try {
    if (argc < 4) return 2;
    Command command;
    command.argv.assign(argv + 3, argv + argc);
    command.directory = ".";
    command.output = argv[2];
    const long number = std::atol(argv[1]);
    long seen = 0;
    bool killed = false;
    const Ending ending = trace(command, [&](const Call& call) {
        if (call.moment != Moment::before || ++seen < number) return Verdict::go_on;
        killed = true;
        return Verdict::kill;
    });
    if (killed) return 0;
    if (ending.exit_code == 0) return 3;
    std::fprintf(stderr, "kill-at-call: the command ended with %d, signal %d\n", ending.exit_code,
                 ending.signal);
    return 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "kill-at-call: %s\n", error.what());
    return 1;
}
