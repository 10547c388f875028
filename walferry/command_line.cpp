#include "walferry/command_line.hpp"

#include <CLI/CLI.hpp>

namespace walferry {
namespace {

/// CLI11 reads numbers as C does: 010 would be eight.
std::string refuse_octal(const std::string& text) {
    const bool decimal = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (decimal && (text == "0" || text.front() != '0')) return {};
    return "\"" + text + "\" is no decimal number without leading zeros";
}

void only_decimal_numbers(CLI::App& command) {
    for (CLI::Option* option : command.get_options()) {
        const std::string shown = option->get_type_name();  // with what its checks say: "N:INT in [1 - 64]"
        const std::string type = shown.substr(0, shown.find(':'));
        if (type == "N" || type == "SECONDS") option->check(refuse_octal);
    }
}

}  // namespace

void declare_command_line(CLI::App& app, commands::GlobalOptions& global, commands::CommandBody& chosen) {
    app.name("walferry");
    app.description("Carries PostgreSQL's write-ahead log from the local spool to the object stores.");
    app.set_version_flag("--version", "walferry " WALFERRY_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--config", global.config,
                   "Configuration file [$WALFERRY_CONFIG, /etc/walferry/walferry.toml]")
        ->type_name("FILE");
    app.footer(commands::exit_status_help());
    for (const commands::Command& command : commands::commands()) {
        CLI::App* sub = app.add_subcommand(command.name, command.summary);
        const commands::CommandBody body = command.declare(*sub);
        only_decimal_numbers(*sub);
        sub->footer(sub->get_footer() + commands::exit_status_help());
        sub->callback([&chosen, body] { chosen = body; });
    }
}

}  // namespace walferry
