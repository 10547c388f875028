#pragma once
#include <sys/wait.h>

#include <cstdlib>
#include <string>

namespace walferry::test {

/// Runs a command line in the shell, its messages thrown away; returns its exit code.
inline int shell(const std::string& command) {
    const int status = std::system(("{ " + command + "; } 2>/dev/null").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace walferry::test
