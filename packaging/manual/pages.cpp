#include "packaging/manual/pages.hpp"

#include "common/settings/settings.hpp"
#include "packaging/manual/roff.hpp"

namespace walferry::manual {
namespace {

constexpr const char* manual_title = "PostgreSQL WAL archiving";

void name(Roff& page, const std::string& name, const std::string& summary) {
    page.section("NAME");
    page.paragraph(Roff::escaped(name) + " \\- " + Roff::escaped(summary));
}

std::string names_of(const OptionDoc& option) {
    std::string text;
    for (const std::string& name : option.names) text += (text.empty() ? "" : ", ") + Roff::bold(name);
    if (!option.argument.empty()) text += " " + Roff::italic(option.argument);
    return text;
}

std::string operands_of(const ProgramDoc& program) {
    std::string text;
    for (const OptionDoc& operand : program.operands) {
        std::string one = Roff::italic(operand.argument);
        if (operand.repeated) one += "...";
        text += " " + (operand.required ? one : "[" + one + "]");
    }
    return text;
}

void options(Roff& page, const ProgramDoc& program) {
    for (const OptionDoc& option : program.options) page.entry(names_of(option), option.help);
}

void exit_status(Roff& page, const ProgramDoc& program) {
    page.section("EXIT STATUS");
    for (const ExitStatusDoc& exit : program.exit_statuses) page.entry(Roff::bold(exit.status), exit.meaning);
    page.text(program.exit_notes);
}

void entries(Roff& page, const char* title, const std::vector<std::pair<std::string, std::string>>& rows) {
    if (rows.empty()) return;
    page.section(title);
    for (const auto& [tag, help] : rows) page.entry(Roff::bold(tag), help);
}

void ending(Roff& page, const Extras& extras) {
    entries(page, "ENVIRONMENT", extras.environment);
    entries(page, "FILES", extras.files);
    if (!extras.examples.empty()) {
        page.section("EXAMPLES");
        page.text(extras.examples);
    }
    page.section("SEE ALSO");
    page.text(extras.see_also);
}

}  // namespace

std::string program_page(const ProgramDoc& program, const Extras& extras) {
    Roff page(program.name, "1", manual_title);
    name(page, program.name, program.summary);
    page.section("SYNOPSIS");
    page.paragraph(Roff::bold(program.name) + " [" + Roff::italic("OPTION") + "]..." + operands_of(program));
    page.section("DESCRIPTION");
    page.text(program.text);
    page.section("OPTIONS");
    options(page, program);
    exit_status(page, program);
    ending(page, extras);
    return page.page();
}

std::string walferry_page(const ProgramDoc& walferry, const Extras& extras) {
    Roff page("walferry", "1", manual_title);
    name(page, "walferry", "carry PostgreSQL's write-ahead log to object stores, and bring it back");
    page.section("SYNOPSIS");
    page.paragraph(Roff::bold("walferry") + " [" + Roff::bold("--config") + " " + Roff::italic("FILE") +
                   "] " + Roff::italic("COMMAND") + " [" + Roff::italic("OPTION") + "]...");
    page.section("DESCRIPTION");
    page.text(
        "PostgreSQL hands each finished WAL segment to `walferry-archive-push`, which copies it durably into "
        "a "
        "local spool. `walferry drain` compresses and encrypts what waits there, puts it into every store, "
        "reads "
        "it back whole, compares, records it as verified, and only then deletes it from the spool. "
        "`walferry-archive-get` brings it back for a server that recovers. `walferry` is the operator's "
        "command for everything round that.");
    page.section("OPTIONS");
    options(page, walferry);
    page.section("COMMANDS");
    for (const ProgramDoc& command : walferry.commands) {
        page.subsection(command.name + ": " + command.summary);
        page.paragraph(Roff::bold("walferry " + command.name) + " [" + Roff::italic("OPTION") + "]..." +
                       operands_of(command));
        page.text(command.text);
        for (const OptionDoc& operand : command.operands)
            page.entry(Roff::italic(operand.argument), operand.help);
        options(page, command);
    }
    exit_status(page, walferry);
    ending(page, extras);
    return page.page();
}

std::string configuration_page() {
    Roff page("walferry.toml", "5", manual_title);
    name(page, "walferry.toml", "configuration of walferry");
    page.section("DESCRIPTION");
    page.text(
        "walferry reads /etc/walferry/walferry.toml, or what `--config` or $WALFERRY_CONFIG names, in the "
        "TOML "
        "format. A key that is unknown, given twice or out of range is an error, which names the line. "
        "`walferry config` checks a file and shows the settings in force; `walferry config --sample` prints "
        "a "
        "commented one. The file holds no secret: keys and credentials are in files of their own, which must "
        "be "
        "readable only by their owner and group.");
    page.text(file_name_help());
    page.section("KEYS");
    for (const SettingsTableText& table : settings_texts()) {
        page.subsection(table.title);
        page.text(table.help);
        for (const SettingsKeyText& key : table.keys) {
            page.entry(Roff::bold(key.name) + " (" + Roff::escaped(key.form) + "; " +
                           Roff::escaped(key.without_key) + ")",
                       key.help);
        }
    }
    page.section("EXAMPLES");
    page.text(
        "One cluster, an S3 bucket and a mounted directory:\n\n"
        "    cluster = \"main\"\n\n"
        "    [encryption]\n"
        "    recipients = [\"age1...\"]\n\n"
        "    [[store]]\n"
        "    name = \"r2\"\n"
        "    type = \"s3\"\n"
        "    endpoint = \"https://ACCOUNT.r2.cloudflarestorage.com\"\n"
        "    region = \"auto\"\n"
        "    bucket = \"wal\"\n"
        "    credentials_file = \"credentials/r2\"\n\n"
        "    [[store]]\n"
        "    name = \"nas\"\n"
        "    type = \"directory\"\n"
        "    path = \"/mnt/nas/walferry\"");
    page.section("SEE ALSO");
    page.text("`walferry`(1)");
    return page.page();
}

}  // namespace walferry::manual
