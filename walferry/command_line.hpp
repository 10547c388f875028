#pragma once
#include "walferry/commands/command.hpp"

namespace walferry {

/// Gives `app` the options that stand before a command, and every command of the table. Parsing fills
/// `global` and `chosen`; both must outlive `app`.
void declare_command_line(CLI::App& app, commands::GlobalOptions& global, commands::CommandBody& chosen);

}  // namespace walferry
