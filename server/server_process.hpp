#pragma once
#include <sys/types.h>

#include <optional>
#include <vector>

#include "server/server_connection.hpp"

namespace walferry::server {

/// The PostgreSQL server behind a connection, as it runs.
struct ServerProcess {
    pid_t pid = 0;  // of the postmaster; 0 where it is in another namespace
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // when it began to listen: a running process does not get new ones
};

/// By what the kernel says of the Unix socket that it listens on. nullopt for a connection over TCP, which
/// tells nothing.
std::optional<ServerProcess> server_process(const ServerConnection& server);

}  // namespace walferry::server
