#pragma once
#include <string>

namespace walferry::test {

/// The program `name` of the build under test; $WALFERRY_BIN_DIR names another build, or installed programs.
std::string program_path(const std::string& name);

/// A file of the repository, by its path in it.
std::string source_file(const std::string& path);

}  // namespace walferry::test
