#pragma once
#include <string>

namespace walferry {

/// Whether systemd hands the uploader a copy of that file (LoadCredential= in the drain's unit), so that it
/// need not be able to read the file itself. The caller is root, as systemd is.
bool handed_over(const std::string& path);

/// The same, from a unit's text. `path` is FOLDER/FILE, and a unit loads either the file or its folder.
bool loads_credential(const std::string& unit_text, const std::string& path);

}  // namespace walferry
