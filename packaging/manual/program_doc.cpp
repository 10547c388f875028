#include "packaging/manual/program_doc.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

#include "common/settings/settings.hpp"
#include "walferry/command_line.hpp"

namespace walferry::manual {
namespace {

std::vector<std::string> split(const std::string& text, const std::string& at) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(at, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + at.size();
    }
    return parts;
}

/// CLI11 puts what it checks behind an option's form: "N:INT in [1 - 64]". A form may have colons of its own.
std::string checks_of(CLI::Option& option) {
    std::string checks;
    try {
        for (int i = 0;; ++i) {
            const std::string check = option.get_validator(i)->get_description();
            if (!check.empty()) checks += ":" + check;
        }
    } catch (const CLI::OptionNotFound&) {
    }
    return checks;
}

/// "ACTION:{pause,promote}" lists all the values there are.
void read_type(CLI::Option& option, OptionDoc& doc) {
    const std::string type = option.get_type_name();
    const std::string checks = checks_of(option);
    doc.argument = type.substr(0, type.size() - checks.size());
    const std::size_t open = checks.find('{');
    const std::size_t close = checks.find('}', open);
    if (close != std::string::npos) doc.choices = split(checks.substr(open + 1, close - open - 1), ",");
}

OptionDoc describe_option(CLI::Option& option) {
    OptionDoc doc;
    for (const std::string& name : option.get_snames()) doc.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) doc.names.push_back("--" + name);
    if (option.get_items_expected_max() > 0) read_type(option, doc);
    if (doc.names.empty()) doc.argument = option.get_name();
    doc.help = option.get_description();
    doc.repeated = option.get_expected_max() > 1;
    doc.required = option.get_required();
    return doc;
}

void describe_options(CLI::App& app, ProgramDoc& doc) {
    for (CLI::Option* option : app.get_options()) {
        if (option->get_group().empty()) continue;  // hidden: one program calls another with it
        const bool operand = option->get_positional() && option->get_lnames().empty();
        (operand ? doc.operands : doc.options).push_back(describe_option(*option));
    }
    // Options of which only one may be given stand in a group, which is an App without a name.
    for (CLI::App* group : app.get_subcommands([](CLI::App* sub) { return sub->get_name().empty(); }))
        describe_options(*group, doc);
}

/// The footer without what has a place of its own: the exit statuses, which are the same for all commands,
/// and the keys of the configuration.
std::string own_text(const CLI::App& app) {
    std::string text = app.get_footer();
    for (const std::string& elsewhere : {commands::exit_status_help(), settings_help()}) {
        if (const auto at = text.find(elsewhere); at != std::string::npos) text.erase(at, elsewhere.size());
    }
    return text;
}

ProgramDoc describe_app(CLI::App& app) {
    ProgramDoc doc;
    doc.name = app.get_name();
    doc.summary = app.get_description();
    doc.text = own_text(app);
    describe_options(app, doc);
    return doc;
}

/// Rows of the form "  N  meaning", and one line after them.
void read_exit_statuses(ProgramDoc& doc) {
    std::istringstream lines(commands::exit_status_help());
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        if (line.starts_with("  ")) {
            doc.exit_statuses.push_back({line.substr(2, 1), line.substr(5)});
        } else {
            doc.exit_notes += line;
        }
    }
}

}  // namespace

ProgramDoc describe(const ProgramText& program) {
    ProgramDoc doc;
    doc.name = program.name;
    doc.summary = program.summary;
    doc.text = std::string(program.description) + "\n\n" + program.notes;
    for (const std::string& operand : split(program.operands, " ")) {
        OptionDoc& added = doc.operands.emplace_back();
        added.argument = operand;
        added.required = true;
    }
    for (const OptionRow& row : program.options) {
        OptionDoc& added = doc.options.emplace_back();
        if (row.key == 'h') added.names.push_back("-h");
        if (row.key == 'v') added.names.push_back("-V");
        added.names.push_back("--" + std::string(row.name));
        if (row.argument != nullptr) added.argument = row.argument;
        added.help = row.help;
    }
    for (const ExitStatusRow& row : program.exit_statuses)
        doc.exit_statuses.push_back({std::to_string(row.status), row.meaning});
    doc.exit_notes = program.exit_notes;
    return doc;
}

ProgramDoc describe_walferry() {
    CLI::App app;
    commands::GlobalOptions global;
    commands::CommandBody chosen;
    declare_command_line(app, global, chosen);
    ProgramDoc doc = describe_app(app);
    for (const commands::Command& command : commands::commands())
        doc.commands.push_back(describe_app(*app.get_subcommand(command.name)));
    read_exit_statuses(doc);
    return doc;
}

}  // namespace walferry::manual
