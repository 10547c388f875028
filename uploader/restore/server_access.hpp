#pragma once
#include <cstdint>
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

/// Whether this host has a spool that the server's user can look into, as its restore_command will. Throws
/// config where there is one that it cannot: WAL that waits there would be taken for missing.
bool can_use_spool(const ServerUser& user, const std::string& spool, std::uint64_t system_identifier);

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

}  // namespace walferry
