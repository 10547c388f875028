#pragma once
#include <string>
#include <vector>

#include "packaging/manual/program_doc.hpp"

namespace walferry::manual {

/// One file for all programs: for bash (to be found under the name of each program), and for zsh.
std::string bash_completion(const std::vector<ProgramDoc>& programs);
std::string zsh_completion(const std::vector<ProgramDoc>& programs);

}  // namespace walferry::manual
