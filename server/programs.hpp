#pragma once
#include <string>
#include <vector>

#include "server/server_user.hpp"

namespace walferry::server {

/// The program of that name beside this one, by its whole path. Throws config where there is none.
std::string program_beside_this_one(const std::string& name);

/// What a program says on its standard output, and how it ended; as the user, and with nothing of ours open.
struct ProgramAnswer {
    int exit_code = -1;
    std::string out, err;
};
ProgramAnswer run_as(const ServerUser& user, const std::vector<std::string>& words);

/// A program of that major version, by its whole path: in `folder` only, where that is not empty; else where
/// distributions have it, in PATH, and where pg_config says; run as the user, to learn its version. Empty
/// where there is none.
std::string server_program(int major_version, const std::string& name, const ServerUser& user,
                           const std::string& folder);
/// Where that looks, for a message.
std::string places_of_programs(int major_version, const std::string& folder);

}  // namespace walferry::server
