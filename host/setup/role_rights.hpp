#pragma once
#include <string>
#include <vector>

namespace walferry::setup {

/// Tells of the role $1, in a column for each right that the uploader needs, whether it has it. No row: there
/// is no such role.
std::string role_rights_query();

/// The statements for what is missing: to make backups, to see how archiving is doing, for check --switch.
/// `has`: the columns of that query; empty for a role that is still to be made.
std::vector<std::string> role_statements(const std::string& role, const std::vector<bool>& has);

}  // namespace walferry::setup
