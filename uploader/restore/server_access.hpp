#pragma once
#include <string>
#include <vector>

#include "common/settings.hpp"
#include "uploader/server/server_user.hpp"

namespace walferry {

/// The program of that name beside this one, by its whole path. Throws config where there is none.
std::string program_beside_this_one(const std::string& name);

/// Throws config, before anything is made, unless the server's user can read the configuration, the identity
/// and the credentials of every store, and run the programs that its restore_command needs.
void check_access(const ServerUser& user, const Settings& settings, const std::vector<std::string>& stores);

/// What a program says on its standard output, and how it ended; as the user, and with nothing of ours open.
struct ProgramAnswer {
    int exit_code = -1;
    std::string out, err;
};
ProgramAnswer run_as(const ServerUser& user, const std::vector<std::string>& words);

/// "/usr/lib/postgresql/15/bin/NAME", or where other distributions have it; empty where it is not here.
std::string server_program(int major_version, const std::string& name);

}  // namespace walferry
