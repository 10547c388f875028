#pragma once
#include <string>

#include "host/setup/setup.hpp"

namespace walferry::setup {

/// Writes keys and configuration, and completes the options. `role`: what the uploader logs in to the server
/// as. Throws usage, before any file is made, for what would not do.
Settings first_configuration(SetupOptions& options, const std::string& role);

/// The one that is there. Throws usage for an option that says something else.
Settings existing_configuration(const SetupOptions& options);

/// Whether the identity in that file belongs to a recipient of the configuration. False where it cannot be
/// read.
bool is_recipients_identity(const std::string& file, const Settings& settings);

}  // namespace walferry::setup
