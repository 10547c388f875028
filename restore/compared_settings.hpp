#pragma once
#include <map>
#include <string>
#include <vector>

#include "restore/server_configuration.hpp"
#include "server/setting_line.hpp"

namespace walferry::restore {

/// A setting that the backed-up server had higher than its configuration files say: on its command line, or
/// because a file was changed and the server not restarted.
struct RaisedSetting {
    std::string name;
    std::string at_backup;
    std::string configured;  // "nothing" where no file sets it
};

/// Those that a standby, and recovery with hot_standby, must have at least as high as the server that wrote
/// the WAL (PostgreSQL: CheckRequiredParameterValues). `configured`: all lines in force, in any order; of
/// several the lowest counts.
std::vector<RaisedSetting> settings_to_raise(const std::vector<server::SettingLine>& configured,
                                             const std::map<std::string, std::string>& at_backup);

}  // namespace walferry::restore
