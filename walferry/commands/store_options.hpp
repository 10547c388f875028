#pragma once
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace walferry::commands {

/// An option that names a configured store and may be repeated: --only, --without, --store.
CLI::Option* add_stores(CLI::App& app, const char* option, std::vector<std::string>& names, const char* help);

}  // namespace walferry::commands
