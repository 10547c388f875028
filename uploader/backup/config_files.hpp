#pragma once
#include <functional>
#include <string>
#include <vector>

#include "server/server_connection.hpp"
#include "uploader/backup/server_facts.hpp"

namespace walferry::backup {

/// Configuration files of which the server knows: the three main ones, what they include or take lists from,
/// and, below the data directory, its certificates and keys.
struct ConfigFiles {
    struct File {
        std::string path;  // absolute
        std::string content;
    };
    std::vector<File> files;
    /// Those below the data directory, by their paths in it.
    std::vector<std::string> inside;
};

/// Reads them by way of the server, which may be another host. One outside the data directory that cannot be
/// read is said and left out.
ConfigFiles read_config_files(server::ServerConnection& server, const ServerFacts& facts,
                              const std::function<void(const std::string&)>& say);

/// A tar of them, under their paths without the leading slash.
std::string config_tar(const std::vector<ConfigFiles::File>& files, WallTime now);

/// Whether the path lies below the directory. Pure.
bool inside_directory(const std::string& path, const std::string& directory);

/// The path below the directory. Pure.
std::string path_inside(const std::string& path, const std::string& directory);

}  // namespace walferry::backup
