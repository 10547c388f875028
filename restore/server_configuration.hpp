#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/setting_line.hpp"

namespace walferry::restore {

/// Where a server's files were, and where they are now.
struct MovedServer {
    std::string old_data_directory;
    std::string new_data_directory;
    /// Where what had an absolute path outside the data directory is now; nullopt where it did not come
    /// along.
    std::function<std::optional<std::string>(const std::string&)> place_of;
    /// Whether anything has this absolute path here.
    std::function<bool(const std::string&)> exists;
};

/// A configuration file in which no path points to the old data directory any more, in lists neither, and no
/// file is included that did not come along; a command that names the old one is named. Lines that were
/// changed are kept as comments. `path` is where the file was. `included`: files that it includes and that
/// did come along; `notes`: what a person must see to.
struct MovedConfiguration {
    std::string text;
    std::vector<std::string> included;
    std::vector<std::string> notes;
    std::vector<server::SettingLine> settings;  // that are in force, in the order of the lines
};
MovedConfiguration move_configuration(std::string_view text, const std::string& path,
                                      const MovedServer& server);

}  // namespace walferry::restore
