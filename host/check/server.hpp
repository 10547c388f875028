#pragma once
#include <memory>

#include "common/error.hpp"
#include "host/check/look.hpp"
#include "server/server_connection.hpp"

namespace walferry::check {

/// Root connects as the server's user, who may see everything, else as the uploader's; everybody else as
/// themselves. Each answer may take the context's patience, counted from here. Throws server or config.
std::unique_ptr<server::ServerConnection> connect_for_check(const CheckContext& context);

/// Whether the server is up and does not let this role in.
bool was_turned_away(const Error& error);

}  // namespace walferry::check
