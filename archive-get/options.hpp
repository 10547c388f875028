#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/program/command_line.hpp"

namespace walferry::get {

/// What restore_command calls: walferry-archive-get [OPTION]... %f %p
struct Options {
    std::string name;         // as PostgreSQL calls the file; checked by whoever fetches it
    std::string destination;  // where it is to appear
    std::optional<std::string> config;
    std::vector<std::string> only, without;
    std::optional<std::uint64_t> system_identifier;
    std::optional<std::string> spool;  // else the configuration's
    bool no_spool = false;
    bool prefetch = true;
};

enum class Request { fetch, help, version };

struct CommandLine {
    Request request = Request::fetch;
    Options options;
};

/// Throws usage.
CommandLine parse_command_line(int argc, char** argv);
const ProgramText& program_text();

/// The options that `walferry fetch` understands too, in an order that does not depend on the caller's.
std::vector<std::string> fetch_arguments(const Options& options);

}  // namespace walferry::get
