#pragma once
#include <string>

namespace walferry::server {

/// Where in the server an error comes from, as the protocol tells it.
struct ServerErrorOrigin {
    std::string code;      // SQLSTATE
    std::string file;      // of its source, "fd.c"
    std::string function;  // "ReadDirExtended"
};

/// What to do about it; empty where nothing is known. SQLSTATE 42501 means a right that the role lacks as
/// well as a file that the server's own user may not read. Pure.
std::string server_hint(const ServerErrorOrigin& origin);

}  // namespace walferry::server
