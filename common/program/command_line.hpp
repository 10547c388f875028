#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace walferry {

/// A long option of a program that PostgreSQL calls.
struct OptionRow {
    const char* name;
    const char* argument;  // what --help calls it; nullptr: takes none
    const char* help;
    char key;
};

struct ExitStatusRow {
    int status;
    const char* meaning;
};

/// All that is said about such a program: --help, its manual page and the shells' completion are made from
/// it. Texts are paragraphs with an empty line between them; lines that begin with spaces stand as they are.
struct ProgramText {
    const char* name;
    const char* summary;  // half a sentence
    const char* operands;
    const char* description;
    std::span<const OptionRow> options;  // "help" and "version" are among them, -h and -V stand for them
    const char* notes;
    std::span<const ExitStatusRow> exit_statuses;
    const char* exit_notes;
};

/// The text of --help, no line longer than 90 columns.
std::string help_text(const ProgramText& program);

/// Calls `apply` for each option in argv, which it orders so that the operands come last; returns the first
/// operand's index. Throws usage.
int parse_options(int argc, char** argv, const ProgramText& program,
                  const std::function<void(const OptionRow&, const char* argument)>& apply);

/// A decimal system identifier given as --system-identifier. Throws usage.
std::uint64_t system_identifier_argument(const char* text);

}  // namespace walferry
