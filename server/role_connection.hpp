#pragma once
#include <memory>
#include <string>

#include "server/server_connection.hpp"

namespace walferry::server {

/// Connects as the configuration says. A server that asks who is at the other end of the socket (peer) turns
/// root away; then root connects as the Unix user with the role's name. Throws as ServerConnection does.
std::unique_ptr<ServerConnection> connect_to_server(const std::string& conninfo, ServerConnection::Kind kind,
                                                    const ServerConnection::Check& check,
                                                    const ServerConnection::Say& say);

}  // namespace walferry::server
