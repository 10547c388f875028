#include "server/alter_system.hpp"

#include <algorithm>
#include <string_view>

namespace walferry::server {
namespace {

constexpr std::string_view alter = "ALTER SYSTEM SET ";
constexpr std::string_view reload = " SELECT pg_reload_conf();";

/// Where a statement ends: its semicolon, else the end of the text. Not in a literal.
std::size_t end_of_statement(std::string_view text) {
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\'') quoted = !quoted;
        if (text[at] == ';' && !quoted) return at;
    }
    return text.size();
}

}  // namespace

std::string configuration_line(const std::string& statement) {
    if (!statement.starts_with(alter)) return {};
    std::string line = statement.substr(alter.size(), end_of_statement(statement) - alter.size());
    // In postgresql.conf a backslash escapes in every text.
    if (const std::size_t escape = line.find("= E'"); escape != std::string::npos) line.erase(escape + 2, 1);
    return line;
}

std::string without_alter_system(const std::string& remedy) {
    std::string text;
    std::size_t done = 0;
    for (std::size_t at = 0; (at = remedy.find("`" + std::string(alter), done)) != std::string::npos;) {
        const std::string_view statement = std::string_view(remedy).substr(at + 1);
        const std::size_t end = end_of_statement(statement);
        text += remedy.substr(done, at - done) + "in postgresql.conf (allow_alter_system is off): `" +
                configuration_line(std::string(statement)) + "`";
        done = std::min(remedy.size(), at + 1 + end + 1);
        if (std::string_view(remedy).substr(done).starts_with(reload)) {
            text += ", then `SELECT pg_reload_conf();`";
            done += reload.size();
        }
        if (done < remedy.size() && remedy[done] == '`') ++done;
    }
    return text + remedy.substr(done);
}

}  // namespace walferry::server
