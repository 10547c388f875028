#include "server/role_connection.hpp"

#include <unistd.h>

#include "common/error.hpp"
#include "server/server_user.hpp"

namespace walferry::server {
namespace {

constexpr const char* invalid_authorization = "28000";  // SQLSTATE; what peer authentication says too

}  // namespace

std::unique_ptr<ServerConnection> connect_to_server(const std::string& conninfo, ServerConnection::Kind kind,
                                                    const ServerConnection::Check& check,
                                                    const ServerConnection::Say& say) {
    try {
        return std::make_unique<ServerConnection>(conninfo, kind, check, say);
    } catch (const Error& error) {
        if (error.code != invalid_authorization || ::geteuid() != 0) throw;
        const std::string role = role_named_by(conninfo);
        const auto namesake = role.empty() ? std::nullopt : find_user(role);
        if (!namesake || namesake->uid == 0) throw;
        const ActingAs acting(*namesake);
        return std::make_unique<ServerConnection>(conninfo, kind, check, say);
    }
}

}  // namespace walferry::server
