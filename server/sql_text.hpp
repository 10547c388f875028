#pragma once
#include <string>

namespace walferry::server {

/// As PostgreSQL writes a text: 'it''s', and E'a\\b' where a backslash is in it, whatever
/// standard_conforming_strings is.
std::string sql_literal(const std::string& text);
/// As PostgreSQL writes a name: "role".
std::string sql_name(const std::string& text);

}  // namespace walferry::server
