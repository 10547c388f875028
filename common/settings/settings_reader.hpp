#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/settings/settings.hpp"

namespace walferry {

/// The text of a configuration file, parsed and checked. `file` is an absolute path: it names the file in
/// messages, and relative file names inside are looked for in its folder. `credentials_directory` (may be
/// empty) comes first.
SettingsReport parse_settings(std::string_view text, const std::string& file,
                              const std::string& credentials_directory);

/// The known name that is nearest to what was written; empty where none is near enough to be a slip of the
/// pen.
std::string nearest_name(std::string_view written, const std::vector<std::string>& known);

}  // namespace walferry
