#pragma once
#include <string>
#include <vector>

#include "common/program/command_line.hpp"

namespace walferry::manual {

/// What manual pages and completion need to know of one option or operand.
struct OptionDoc {
    std::vector<std::string> names;    // with their dashes; an operand has none
    std::string argument;              // "" for a flag; an operand's name
    std::vector<std::string> choices;  // the only values there are; empty: any
    std::string help;
    bool repeated = false;
    bool required = false;
};

struct ExitStatusDoc {
    std::string status, meaning;
};

/// A program, or one command of walferry. Texts are as in ProgramText.
struct ProgramDoc {
    std::string name, summary, text;
    std::vector<OptionDoc> operands, options;
    std::vector<ProgramDoc> commands;
    std::vector<ExitStatusDoc> exit_statuses;
    std::string exit_notes;
};

ProgramDoc describe(const ProgramText& program);
/// walferry itself, from the command line that it parses with.
ProgramDoc describe_walferry();

}  // namespace walferry::manual
