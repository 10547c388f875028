#pragma once
#include <string>

#include "host/check/server_state.hpp"

namespace walferry::check {

/// A variable of the running server's environment as it was started; empty where the caller may not read it.
std::string server_environment(const ServerState& state, const std::string& name);

/// PATH of the running server as far as the caller may read it, else what most servers start with.
std::string server_path(const ServerState& state);

/// Whether the running server sees other files than the caller: it is in a container, or a chroot. False
/// where that is not to be seen.
bool server_has_other_root(const ServerState& state);

/// As sh finds a program; a name with a slash is seen from the data directory. Empty where PATH has none that
/// the caller can run.
std::string find_program(const std::string& name, const std::string& path, const std::string& data_directory);

/// Whether that file is a script in which walferry-archive-push is called. False for what the caller cannot
/// read.
bool script_runs_push(const std::string& path);

}  // namespace walferry::check
