#include "server/server_process.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace walferry::server {

std::optional<ServerProcess> server_process(const ServerConnection& server) {
    const int socket = server.socket();
    int domain = 0;
    socklen_t length = sizeof domain;
    if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain != AF_UNIX)
        return std::nullopt;
    ucred peer{};
    length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return std::nullopt;
    ServerProcess process{peer.pid, peer.uid, peer.gid, std::vector<gid_t>(64)};
    for (;;) {
        length = static_cast<socklen_t>(process.groups.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, process.groups.data(), &length) == 0) break;
        if (errno != ERANGE) return std::nullopt;
        process.groups.resize(length / sizeof(gid_t));
    }
    process.groups.resize(length / sizeof(gid_t));
    return process;
}

}  // namespace walferry::server
