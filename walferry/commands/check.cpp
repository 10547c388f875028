#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "console/catalogue.hpp"
#include "console/exit_code.hpp"
#include "host/check/check.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    check::CheckOptions check;
    int timeout = 120;
    bool no_server = false;
    bool json = false;
    bool list = false;
};

void print(const Settings& settings, const check::CheckReport& report, bool json) {
    const std::string text = json ? check::check_json(settings, report) : check::check_text(settings, report);
    std::fputs(text.c_str(), stdout);
}

const char* finding_of(const std::string& problem) {
    const bool of_recipients = problem.find(": encryption.recipients: ") != std::string::npos;
    return of_recipients ? console::finding_id::recipients : console::finding_id::configuration;
}

/// Without it nothing else can be looked at.
int report_unreadable(const Settings& settings, const console::Findings& findings, bool json) {
    check::CheckReport report;
    report.configuration_read = false;
    report.findings = findings.all();
    for (console::Finding& finding : report.findings) finding.remedy = console::filled_in(finding.remedy, {});
    print(settings, report, json);
    return report.exit_code();
}

int run(const GlobalOptions& global, Options options) {
    if (options.list) {
        std::fputs(console::catalogue_text().c_str(), stdout);
        return console::exit_code::done;
    }
    const std::string file = settings_path(global.config);
    console::Findings findings("configuration");
    SettingsReport settings;
    try {
        settings = check_settings(file);
    } catch (const Error& error) {
        settings.settings.file = file;
        findings.fail(console::finding_id::configuration_access, error.message(), error.hint());
    }
    for (const std::string& problem : settings.problems) findings.fail(finding_of(problem), problem);
    if (!findings.all().empty()) return report_unreadable(settings.settings, findings, options.json);
    options.check.ask_server = !options.no_server;
    options.check.switch_limit = std::chrono::seconds(options.timeout);
    options.check.show_progress = ::isatty(STDERR_FILENO) == 1;
    const check::CheckReport report = check::run_check(settings.settings, options.check);
    print(settings.settings, report, options.json);
    return report.exit_code();
}

}  // namespace

CommandBody declare_check(CLI::App& app) {
    auto options = std::make_shared<Options>();
    auto* follow = app.add_flag("--switch", options->check.follow_switch,
                                "End a WAL segment, and follow it until it is verified in every store");
    app.add_option("--timeout", options->timeout, "How long that may take [120]")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86'400))
        ->needs(follow);
    app.add_flag("--drain", options->check.drain, "Bring it there in this run, where no timer does")
        ->needs(follow);
    app.add_option("--uploader", options->check.uploader,
                   "For root: the user that the uploader runs as [the drain at work, walferry]")
        ->type_name("USER[:GROUP]");
    app.add_flag("--no-server", options->no_server, "Do not connect to PostgreSQL")->excludes(follow);
    app.add_flag("--list", options->list, "Print every finding there is, what it means and how to fix it");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "Looks at the server, the spool, the keys and every store, and says of whatever is wrong\n"
        "what it means and how to fix it. As root it tries what the server's and the uploader's\n"
        "users may do, as these users; as the uploader's user it says what it cannot know. It\n"
        "changes nothing, and removes the small object that it puts into each store. Warnings\n"
        "leave the exit status at 0.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
