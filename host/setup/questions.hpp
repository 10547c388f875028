#pragma once
#include <optional>
#include <string>

#include "common/os/secret_file.hpp"

namespace walferry::setup {

/// Asks a person at the terminal, which is where standard input and standard error lead.
bool can_ask();
/// The answer without blanks round it; empty where nothing but Enter was typed. Throws usage at the end of
/// input.
std::string ask(const std::string& question);
/// The same, and what is typed does not appear.
SecretText ask_secret(const std::string& question);

}  // namespace walferry::setup
