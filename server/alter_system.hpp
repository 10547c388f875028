#pragma once
#include <string>

namespace walferry::server {

/// "ALTER SYSTEM SET name = 'value'" as a line of postgresql.conf, "name = 'value'"; empty for any other
/// statement. For servers whose allow_alter_system is off (PostgreSQL 17).
std::string configuration_line(const std::string& statement);

/// A remedy with such lines in place of its ALTER SYSTEM statements.
std::string without_alter_system(const std::string& remedy);

}  // namespace walferry::server
