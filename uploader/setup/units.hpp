#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/settings.hpp"

namespace walferry {

/// The package's timers for a configuration: walferry-drain.timer for walferry.toml in /etc/walferry,
/// walferry-drain@NAME.timer for NAME.toml. Empty for a file elsewhere, or where the units are not installed.
std::vector<std::string> timers_for(const std::string& configuration);

/// The units may write below /var/spool/walferry only. Whatever else the configuration names (a spool
/// elsewhere, directory stores) is allowed to them in a drop-in file, whose path this returns; nullopt where
/// nothing is to be allowed, or is already. Throws io.
std::optional<std::string> allow_paths(const Settings& settings);

bool systemd_runs();

/// Runs a program found by PATH, which says on our standard output what it has to say. False when it failed.
bool run_program(std::vector<std::string> words);

}  // namespace walferry
