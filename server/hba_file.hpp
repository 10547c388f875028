#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace walferry::server {

/// How a line of pg_hba.conf or pg_ident.conf names another file (PostgreSQL: client-auth.sgml). Includes
/// exist since PostgreSQL 16; a list, "@file", of databases or roles is older.
enum class HbaReference { include, include_if_exists, include_dir, list };

/// Calls `moved` with each reference and its path as written. Returns the text with the path that it returns
/// in place of the written one. For nullopt an include becomes a comment, since a server does not start with
/// one that it cannot read, and a list stays as it is.
std::string rewrite_hba(
    std::string_view text,
    const std::function<std::optional<std::string>(HbaReference, const std::string&)>& moved);

}  // namespace walferry::server
