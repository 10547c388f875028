#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "common/error.hpp"
#include "common/settings.hpp"
#include "uploader/check/catalogue.hpp"
#include "uploader/check/check.hpp"
#include "uploader/commands/declare.hpp"
#include "uploader/exit_code.hpp"

namespace walferry {
namespace {

struct Options {
    CheckOptions check;
    int timeout = 120;
    bool no_server = false;
    bool json = false;
    bool list = false;
};

void print(const Settings& settings, const CheckReport& report, bool json) {
    const std::string text = json ? check_json(settings, report) : check_text(settings, report);
    std::fputs(text.c_str(), stdout);
}

const char* finding_of(const std::string& problem) {
    const bool of_recipients = problem.find(": encryption.recipients: ") != std::string::npos;
    return of_recipients ? finding_id::recipients : finding_id::configuration;
}

/// Without it nothing else can be looked at.
int report_unreadable(const Settings& settings, const Findings& findings, bool json) {
    CheckReport report;
    report.configuration_read = false;
    report.findings = findings.all();
    for (Finding& finding : report.findings) finding.remedy = filled_in(finding.remedy, {});
    print(settings, report, json);
    return report.exit_code();
}

int run(const GlobalOptions& global, Options options) {
    if (options.list) {
        std::fputs(catalogue_text().c_str(), stdout);
        return exit_code::done;
    }
    const std::string file = settings_path(global.config);
    Findings findings("configuration");
    SettingsReport settings;
    try {
        settings = check_settings(file);
    } catch (const Error& error) {
        settings.settings.file = file;
        findings.fail(finding_id::configuration_access, error.message(), error.hint());
    }
    for (const std::string& problem : settings.problems) findings.fail(finding_of(problem), problem);
    if (!findings.all().empty()) return report_unreadable(settings.settings, findings, options.json);
    options.check.ask_server = !options.no_server;
    options.check.switch_limit = std::chrono::seconds(options.timeout);
    options.check.show_progress = ::isatty(STDERR_FILENO) == 1;
    const CheckReport report = run_check(settings.settings, options.check);
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
    app.add_flag("--list", options->list, "Print every finding there is, what it means and how to mend it");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "Looks at the server, the spool, the keys and every store, and says of whatever is wrong\n"
        "what it means and how to mend it. As root it tries what the server's and the uploader's\n"
        "users may do, as these users; as the uploader's user it says what it cannot know. It\n"
        "changes nothing, and removes the small object that it puts into each store. Warnings\n"
        "leave the exit status at 0.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry
