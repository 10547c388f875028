#pragma once
#include "uploader/command.hpp"

namespace walferry {

/// Gives `app` the options that stand before a command, and every command of the table. Parsing fills
/// `global` and `chosen`; both must outlive `app`.
void declare_command_line(CLI::App& app, GlobalOptions& global, CommandBody& chosen);

}  // namespace walferry
