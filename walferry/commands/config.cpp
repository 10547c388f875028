#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "common/settings/settings.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct ConfigOptions {
    bool sample = false;
    bool json = false;
};

int report_problems(const SettingsReport& report, bool json) {
    if (json) {
        const nlohmann::json answer = {{"file", report.settings.file}, {"problems", report.problems}};
        std::printf("%s\n", console::json_text(answer).c_str());
    } else {
        for (const std::string& line : report.problems) std::fprintf(stderr, "%s\n", line.c_str());
    }
    return console::exit_code::usage;
}

int run(const ConfigOptions& options, const GlobalOptions& global) {
    if (options.sample) {
        std::fputs(sample_settings().c_str(), stdout);
        return 0;
    }
    const SettingsReport report = check_settings(settings_path(global.config));
    if (!report.problems.empty()) return report_problems(report, options.json);
    const auto format = options.json ? SettingsFormat::json : SettingsFormat::toml;
    std::fputs(show_settings(report.settings, format).c_str(), stdout);
    return 0;
}

}  // namespace

CommandBody declare_config(CLI::App& app) {
    const auto options = std::make_shared<ConfigOptions>();
    auto* sample = app.add_flag("--sample", options->sample, "Print a commented sample file and stop");
    app.add_flag("--json", options->json, "Print the settings, or what is wrong with them, as JSON")
        ->excludes(sample);
    app.footer(
        "Checks the configuration file, lists everything that is wrong with it, and prints the\n"
        "settings in force with defaults filled in. Looks at no store and opens no other file.\n\n" +
        settings_help() + "\n");
    return [options](const GlobalOptions& global) { return run(*options, global); };
}

}  // namespace walferry::commands
