#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/program/command_line.hpp"

namespace walferry::push {

struct Options {
    std::string spool;
    std::optional<std::uint64_t> system_identifier;
    std::optional<std::uint64_t> max_spool;  // bytes
    std::optional<std::uint64_t> min_free;   // bytes
    std::string path;
};

enum class Request { archive, help, version };

struct CommandLine {
    Request request = Request::archive;
    Options options;
};

/// Throws usage. $WALFERRY_SPOOL stands in for a missing --spool.
CommandLine parse_command_line(int argc, char** argv);

const ProgramText& program_text();

}  // namespace walferry::push
