#include "uploader/command_line.hpp"

#include <CLI/CLI.hpp>

namespace walferry {

void declare_command_line(CLI::App& app, GlobalOptions& global, CommandBody& chosen) {
    app.name("walferry");
    app.description("Carries PostgreSQL's write-ahead log from the local spool to the object stores.");
    app.set_version_flag("--version", "walferry " WALFERRY_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--config", global.config,
                   "Configuration file [$WALFERRY_CONFIG, /etc/walferry/walferry.toml]")
        ->type_name("FILE");
    app.footer(exit_status_help());
    for (const Command& command : commands()) {
        CLI::App* sub = app.add_subcommand(command.name, command.summary);
        const CommandBody body = command.declare(*sub);
        sub->footer(sub->get_footer() + exit_status_help());
        sub->callback([&chosen, body] { chosen = body; });
    }
}

}  // namespace walferry
