#pragma once
#include <cstdint>
#include <vector>

namespace walferry::crash {

/// What an argument of a system call stands for.
enum class Means {
    descriptor,
    path,        // from the working directory
    path_at,     // a directory's descriptor, then the path
    polled,      // an array of pollfd, then its length
    connecting,  // a socket, then an address
};

struct Argument {
    Means means;
    std::size_t at;
};

struct CallShape {
    std::uint64_t number;
    const char* name;
    std::vector<Argument> arguments;
};

/// nullptr for a call that acts on no file and no socket.
const CallShape* shape_of(std::uint64_t number);

}  // namespace walferry::crash
