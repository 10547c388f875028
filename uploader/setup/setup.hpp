#pragma once
#include <string>
#include <vector>

#include "common/settings.hpp"
#include "uploader/setup/store_choice.hpp"

namespace walferry {

struct SetupOptions {
    std::string configuration;   // the file, absolute
    std::string cluster, spool;  // spool empty: /var/spool/walferry/CLUSTER
    std::vector<StoreChoice> stores;
    std::vector<std::string> recipients;
    std::string identity_file;  // its public key is a recipient; made when it is missing
    std::string owner = "postgres", group = "walferry";
    std::string conninfo;  // where the server is; empty: the only one on this host
    bool apply = false;
    bool replace_archive_command = false;
};

/// Writes keys, configuration and spool, says what the server is to be told or tells it, and returns the
/// configuration, for a check to follow. What is there already is never replaced, so that a setup that was
/// interrupted is run again. Throws usage for what nobody can be asked.
Settings set_up(SetupOptions options);

}  // namespace walferry
