#pragma once
#include <functional>
#include <string>
#include <vector>

#include "uploader/backup/server_facts.hpp"
#include "uploader/server/server_connection.hpp"

namespace walferry {

/// Configuration files outside the data directory, of which the server knows: the three main ones and what
/// they include.
struct ConfigFiles {
    struct File {
        std::string path;  // absolute
        std::string content;
    };
    std::vector<File> files;
};

/// Reads them by way of the server, which may be another host. One that cannot be read is said and left out.
ConfigFiles read_config_files(ServerConnection& server, const ServerFacts& facts,
                              const std::function<void(const std::string&)>& say);

/// A tar of them, under their paths without the leading slash.
std::string config_tar(const ConfigFiles& files, WallTime now);

/// Whether the backup of the data directory holds the file anyway. Pure.
bool inside_directory(const std::string& path, const std::string& directory);

}  // namespace walferry
