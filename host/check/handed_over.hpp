#pragma once
#include <string>

#include "common/settings/settings.hpp"

namespace walferry::check {

/// Whether systemd hands the uploader of this configuration a copy of that file (LoadCredential= in its
/// drain's unit or what an administrator added to it), so that it need not be able to read the file itself.
/// Only root gets a true answer, because what is handed over is what root can read.
bool handed_over(const Settings& settings, const std::string& path);

/// The same, from units' text. `path` is FOLDER/FILE, and a unit loads either the file or its folder.
bool loads_credential(const std::string& unit_text, const std::string& path);

}  // namespace walferry::check
