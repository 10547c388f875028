#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace CLI {
class App;
}

namespace walferry::commands {

/// Options that stand before the command.
struct GlobalOptions {
    std::optional<std::string> config;
};

/// What a command leaves in the App while it declares its options: called once if it was chosen; returns the
/// exit code, or throws Error (main turns it into a line on stderr and the kind's exit code).
using CommandBody = std::function<int(const GlobalOptions&)>;

/// One row a command. `declare` adds the options and the help text to its App and returns its body.
struct Command {
    const char* name;
    const char* summary;
    CommandBody (*declare)(CLI::App& app);
};

/// The table (commands.cpp); one file per command implements each row.
std::span<const Command> commands();

/// The exit-status part that every command's help ends with.
std::string exit_status_help();

}  // namespace walferry::commands
