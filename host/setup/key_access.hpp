#pragma once
#include <string>
#include <vector>

#include "common/settings/settings.hpp"

namespace walferry::setup {

/// Where no unit hands copies of them out, the uploader reads the keys itself, by its group: those that the
/// configuration names in the folder "credentials" beside it, and that folder. Returns a line for each
/// change. Throws as below.
std::vector<std::string> let_group_read_keys(const Settings& settings, const std::string& group);

/// Throws config where another group has the folder, which would be shut out.
void refuse_keys_of_others(const std::string& configuration, const std::string& group);

}  // namespace walferry::setup
