#include "common/program/command_line.hpp"

#include <getopt.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/wal/pg_control.hpp"

namespace walferry {
namespace {

constexpr std::size_t help_width = 90;

/// Words up to the help's width, further lines indented.
std::string wrapped(std::string_view text, std::string line, std::size_t indent) {
    std::string out;
    bool first = true;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty()) continue;
        if (!first && line.size() + 1 + word.size() > help_width) {
            out += line + "\n";
            line.assign(indent, ' ');
            first = true;
        }
        if (!first) line += ' ';
        line += word;
        first = false;
    }
    return out + line + "\n";
}

std::string paragraphs(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find("\n\n"), text.size());
        const std::string_view paragraph = text.substr(0, end);
        text.remove_prefix(std::min(end + 2, text.size()));
        out +=
            "\n" + (paragraph.starts_with(' ') ? std::string(paragraph) + "\n" : wrapped(paragraph, "", 0));
    }
    return out;
}

std::string row(std::string left, std::size_t width, const char* text) {
    left.resize(std::max(width, left.size() + 1), ' ');
    return wrapped(text, left, width);
}

}  // namespace

std::string help_text(const ProgramText& program) {
    std::string text = "usage: " + std::string(program.name) + " [OPTION]... " + program.operands + "\n" +
                       paragraphs(program.description) + "\n";
    for (const OptionRow& option : program.options) {
        std::string left = "  --";
        left += option.name;
        if (option.argument != nullptr) (left += ' ') += option.argument;
        text += row(left, 26, option.help);
    }
    text += paragraphs(program.notes) + "\nexit status:\n";
    for (const ExitStatusRow& exit : program.exit_statuses) {
        const std::string status = std::to_string(exit.status);
        text += row(std::string(5 - status.size(), ' ') + status, 7, exit.meaning);
    }
    const std::string after = paragraphs(program.exit_notes);
    return text + (after.empty() ? "" : after.substr(1));
}

int parse_options(int argc, char** argv, const ProgramText& program,
                  const std::function<void(const OptionRow&, const char*)>& apply) {
    const auto wrong = [&](const std::string& message) {
        throw Error(ErrorKind::usage, message, std::string(program.name) + " --help shows how it is called");
    };
    std::vector<option> long_options;
    for (const OptionRow& row : program.options) {
        long_options.push_back(
            {row.name, row.argument != nullptr ? required_argument : no_argument, nullptr, row.key});
    }
    long_options.push_back({});
    opterr = 0;  // our own words, on one line
    optind = 0;  // from the start, also when called again
    for (int key = 0; (key = ::getopt_long(argc, argv, ":hV", long_options.data(), nullptr)) != -1;) {
        const std::string given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (key == ':') wrong(given + " needs an argument");
        if (key == '?') wrong(given + " is not an option, or has an argument it does not take");
        if (key == 'V') key = 'v';
        for (const OptionRow& row : program.options) {
            if (row.key == key) apply(row, optarg);
        }
    }
    return optind;
}

std::uint64_t system_identifier_argument(const char* text) {
    const auto number = parse_system_identifier(text);
    if (!number) {
        throw Error(ErrorKind::usage,
                    "--system-identifier: \"" + std::string(text) + "\" is no system identifier",
                    "it is the decimal number that pg_controldata prints");
    }
    return *number;
}

}  // namespace walferry
