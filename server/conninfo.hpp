#pragma once
#include <map>
#include <string>
#include <vector>

namespace walferry::server {

/// The keywords of a libpq connection string, either form, each once; nothing of libpq's environment and
/// defaults. Throws config, and repeats nothing of the text: it may hold a password.
using Conninfo = std::map<std::string, std::string>;
Conninfo parse_conninfo(const std::string& text);

/// The form "host=/tmp port=5433", with quotes where libpq needs them.
std::string conninfo_text(const Conninfo& keywords);

/// The same server for that user, whoever the text names. Throws config.
std::string with_user(const std::string& text, const std::string& user);

/// Where the Unix sockets of the named hosts are; of those in TCP none.
struct SocketPlace {
    std::string directory;
    std::string file;  // whole path
};
std::vector<SocketPlace> socket_places(const Conninfo& keywords);

}  // namespace walferry::server
