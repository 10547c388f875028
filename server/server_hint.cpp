#include "server/server_hint.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace walferry::server {
namespace {

// They open files for any caller; the rights of roles are checked elsewhere.
constexpr std::array<std::string_view, 5> file_sources{"basebackup.c", "fd.c", "copydir.c", "xlog.c",
                                                       "file_utils.c"};

/// A path with directories in front in some builds.
bool is_file_access(const ServerErrorOrigin& origin) {
    const std::string_view name = std::string_view(origin.file).substr(origin.file.rfind('/') + 1);
    return name.starts_with("basebackup") || origin.function == "read_binary_file" ||
           std::find(file_sources.begin(), file_sources.end(), name) != file_sources.end();
}

}  // namespace

std::string server_hint(const ServerErrorOrigin& origin) {
    if (origin.code == "42501" && is_file_access(origin))
        return "the server's own user (postgres) may not read that file or directory: give it to that user "
               "(chown), or move it out of the data directory; no right of the role would help";
    if (origin.code == "42501") return "the role lacks a right; docs/backup.md lists what it needs";
    if (origin.code == "XX001")
        return "look into the server's log and storage; `pg_amcheck` names what is damaged";
    return {};
}

}  // namespace walferry::server
