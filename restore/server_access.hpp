#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "server/server_user.hpp"

namespace walferry::restore {

/// Throws config, before anything is made, unless the server's user can read the configuration, the identity
/// and the credentials of every store, and run the programs that its restore_command needs.
void check_access(const server::ServerUser& user, const Settings& settings,
                  const std::vector<std::string>& stores);

/// Whether this host has a spool that the server's user can look into, as its restore_command will. Throws
/// config where there is one that it cannot: WAL that waits there would be taken for missing.
bool can_use_spool(const server::ServerUser& user, const std::string& spool, std::uint64_t system_identifier);

}  // namespace walferry::restore
