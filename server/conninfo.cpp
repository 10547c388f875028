#include "server/conninfo.hpp"

#include <libpq-fe.h>

#include <sstream>

#include "common/error.hpp"

namespace walferry::server {
namespace {

std::string quoted(const std::string& value) {
    std::string out;
    for (const char c : value) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    const bool plain = !value.empty() && value.find_first_of(" \t\n\r\f\v'\\") == std::string::npos;
    return plain ? out : "'" + out + "'";
}

std::vector<std::string> listed(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
    return parts;
}

}  // namespace

Conninfo parse_conninfo(const std::string& text) {
    char* problem = nullptr;
    PQconninfoOption* options = PQconninfoParse(text.c_str(), &problem);
    if (options == nullptr) {
        // libpq repeats what it was given, passwords too, so its own words stay out of the message.
        PQfreemem(problem);
        throw Error(ErrorKind::config, "server.conninfo is not a libpq connection string",
                    "it looks like \"host=/var/run/postgresql port=5432 user=walferry\"");
    }
    Conninfo known;
    for (const PQconninfoOption* each = options; each->keyword != nullptr; ++each) {
        if (each->val != nullptr) known[each->keyword] = each->val;
    }
    PQconninfoFree(options);
    return known;
}

std::string conninfo_text(const Conninfo& keywords) {
    std::string text;
    for (const auto& [name, value] : keywords) {
        if (!text.empty()) text += ' ';
        text += name;
        text += '=';
        text += quoted(value);
    }
    return text;
}

std::string with_user(const std::string& text, const std::string& user) {
    Conninfo keywords = parse_conninfo(text);
    keywords["user"] = user;
    return conninfo_text(keywords);
}

std::vector<SocketPlace> socket_places(const Conninfo& keywords) {
    const auto value = [&](const char* name) {
        const auto found = keywords.find(name);
        return found == keywords.end() ? std::string() : found->second;
    };
    const std::vector<std::string> hosts = listed(value("host")), ports = listed(value("port"));
    std::vector<SocketPlace> places;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (!hosts[i].starts_with('/')) continue;
        // One port is for all hosts.
        std::string port = ports.size() == 1 ? ports[0] : i < ports.size() ? ports[i] : "";
        if (port.empty()) port = "5432";
        std::string directory = hosts[i];
        while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
        std::string file = directory + "/.s.PGSQL." + port;
        places.push_back({std::move(directory), std::move(file)});
    }
    return places;
}

}  // namespace walferry::server
