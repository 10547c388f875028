#include "packaging/manual/completion.hpp"

#include <algorithm>

namespace walferry::manual {
namespace {

enum class Kind { none, flag, file, folder, store, choice };

Kind kind_of(const OptionDoc& option) {
    if (option.argument.empty()) return Kind::flag;
    if (!option.choices.empty()) return Kind::choice;
    if (option.argument == "STORE") return Kind::store;
    if (option.argument == "DIR") return Kind::folder;
    if (option.argument == "FILE" || option.argument == "PATH" || option.argument == "DEST")
        return Kind::file;
    return Kind::none;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string all_names(const ProgramDoc& program) {
    std::vector<std::string> names;
    for (const OptionDoc& option : program.options)
        names.insert(names.end(), option.names.begin(), option.names.end());
    return joined(names);
}

// --- bash

const char* bash_value(Kind kind) {
    switch (kind) {
        case Kind::file:
            return "files";
        case Kind::folder:
            return "folders";
        case Kind::store:
            return "stores";
        default:
            return "nothing";
    }
}

/// Rows of a `case` on "PROGRAM COMMAND OPTION": how the option's value is completed.
void bash_values(const std::string& place, const ProgramDoc& program, std::string& out) {
    for (const OptionDoc& option : program.options) {
        const Kind kind = kind_of(option);
        if (kind == Kind::flag) continue;
        std::string pattern;
        for (const std::string& name : option.names)
            pattern += (pattern.empty() ? "'" : " | '") + place + " " + name + "'";
        out += "    " + pattern + ") echo " +
               (kind == Kind::choice ? "words " + joined(option.choices) : bash_value(kind)) + " ;;\n";
    }
}

/// Rows of a `case` on "PROGRAM COMMAND": its options, and how an operand is completed.
void bash_words(const std::string& place, const ProgramDoc& program, std::string& options,
                std::string& operands) {
    options += "    '" + place + "') echo " + all_names(program) + " ;;\n";
    if (program.operands.empty()) return;
    const Kind kind = kind_of(program.operands.back());
    operands += "    '" + place + "') echo " + bash_value(kind) + " ;;\n";
}

constexpr const char* bash_end = R"BASH(
# The configuration's stores, where it can be read.
_walferry_stores() {
    walferry config --json 2>/dev/null | sed -n 's/^.*"name" *: *"\([^"]*\)".*/\1/p'
}

_walferry_complete() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} place=${COMP_WORDS[0]##*/}
    local word kind
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ " $(_walferry_commands "$place") " == *" $word "* ]]; then
            place+=" $word"
            break
        fi
    done
    kind=$(_walferry_value "$place $previous")
    [[ -n $kind ]] || kind=$(_walferry_value "${place%% *} $previous")
    if [[ -z $kind && $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_walferry_options "$place")" -- "$current")
        return
    fi
    if [[ -z $kind && $place != *' '* && -n $(_walferry_commands "$place") ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_walferry_commands "$place")" -- "$current")
        return
    fi
    [[ -n $kind ]] || kind=$(_walferry_operand "$place")
    case $kind in
    files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    stores) mapfile -t COMPREPLY < <(compgen -W "$(_walferry_stores)" -- "$current") ;;
    words*) mapfile -t COMPREPLY < <(compgen -W "${kind#words }" -- "$current") ;;
    esac
}
)BASH";

// --- zsh

/// Within single quotes, and within [help] of a specification.
std::string zsh_quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
            out += c;
        }
    }
    return out;
}

std::string zsh_value(const OptionDoc& option) {
    const std::string argument = ":" + zsh_quoted(option.argument) + ":";
    switch (kind_of(option)) {
        case Kind::flag:
            return "";
        case Kind::file:
            return argument + "_files";
        case Kind::folder:
            return argument + "_files -/";
        case Kind::store:
            return argument + "_walferry_stores";
        case Kind::choice:
            return argument + "(" + joined(option.choices) + ")";
        case Kind::none:
            break;
    }
    return argument;
}

std::string zsh_specifications(const ProgramDoc& program) {
    std::string out;
    for (const OptionDoc& option : program.options) {
        for (const std::string& name : option.names) {
            out += " \\\n            '" + std::string(option.repeated ? "*" : "") + name + "[" +
                   zsh_quoted(option.help) + "]" + zsh_value(option) + "'";
        }
    }
    for (const OptionDoc& operand : program.operands)
        out += " \\\n            '" + std::string(operand.repeated ? "*" : "") + zsh_value(operand) + "'";
    return out;
}

std::string zsh_program(const ProgramDoc& program) {
    if (program.commands.empty())
        return "    " + program.name + ")\n        _arguments -s" + zsh_specifications(program) +
               "\n        ;;\n";
    std::string out = "    " + program.name + ")\n        _arguments -C" + zsh_specifications(program) +
                      " \\\n            '1:command:_walferry_commands' '*::argument:->rest'\n"
                      "        [[ $state == rest ]] || return\n        case $words[1] in\n";
    for (const ProgramDoc& command : program.commands)
        out += "        " + command.name + ")\n            _arguments -s" + zsh_specifications(command) +
               "\n            ;;\n";
    return out + "        esac\n        ;;\n";
}

}  // namespace

std::string bash_completion(const std::vector<ProgramDoc>& programs) {
    std::string commands, options, values, operands, complete = "complete -F _walferry_complete";
    for (const ProgramDoc& program : programs) {
        complete += " " + program.name;
        bash_words(program.name, program, options, operands);
        bash_values(program.name, program, values);
        std::vector<std::string> names;
        for (const ProgramDoc& command : program.commands) {
            names.push_back(command.name);
            bash_words(program.name + " " + command.name, command, options, operands);
            bash_values(program.name + " " + command.name, command, values);
        }
        if (!names.empty()) commands += "    '" + program.name + "') echo " + joined(names) + " ;;\n";
    }
    const auto function = [](const char* name, const std::string& rows) {
        return std::string(name) + "() {\n    case $1 in\n" + rows + "    esac\n}\n\n";
    };
    return "# Completion of walferry's programs for bash.\n\n" + function("_walferry_commands", commands) +
           function("_walferry_options", options) + function("_walferry_value", values) +
           function("_walferry_operand", operands) + std::string(bash_end + 1) + "\n" + complete + "\n";
}

std::string zsh_completion(const std::vector<ProgramDoc>& programs) {
    std::string names, rows, commands;
    for (const ProgramDoc& program : programs) {
        names += " " + program.name;
        rows += zsh_program(program);
        for (const ProgramDoc& command : program.commands)
            commands += "        '" + command.name + ":" + zsh_quoted(command.summary) + "'\n";
    }
    return "#compdef" + names + "\n\n_walferry_commands() {\n    local -a commands=(\n" + commands +
           "    )\n    _describe command commands\n}\n\n"
           "# The configuration's stores, where it can be read.\n"
           "_walferry_stores() {\n    local -a stores\n"
           "    stores=(${(f)\"$(walferry config --json 2>/dev/null | sed -n "
           "'s/^ *\"name\" *: *\"\\([^\"]*\\)\".*/\\1/p; s/.*[{,] *\"name\" *: "
           "*\"\\([^\"]*\\)\".*/\\1/p')\"})\n"
           "    _describe store stores\n}\n\n"
           "_walferry() {\n    local curcontext=$curcontext state line\n    local -A opt_args\n"
           "    case $service in\n" +
           rows + "    esac\n}\n\n_walferry \"$@\"\n";
}

}  // namespace walferry::manual
