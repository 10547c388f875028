#pragma once
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "host/setup/store_choice.hpp"

namespace walferry::setup {

/// Empty is whatever was not given.
struct SetupOptions {
    std::string configuration;   // the file, absolute
    std::string cluster, spool;  // "main", /var/spool/walferry/CLUSTER
    std::vector<StoreChoice> stores;
    std::vector<std::string> recipients;
    std::string identity_file;  // its public key is a recipient; made when it is missing
    std::string owner, group;   // of the spool
    std::string conninfo;       // where the server is; the only one on this host
    std::string retention;      // "30d": the recovery window; empty: nothing expires
    bool apply = false;
    bool replace_archive_command = false;
};

/// For a check to follow.
struct SetUp {
    Settings settings;
    std::string uploader;     // its user; empty where nothing tells
    bool told_server = true;  // false: something of what was to be applied is left for a person
};

/// Writes keys, configuration and spool, and says what the server is to be told or tells it. What is there
/// already is never replaced, so that a setup that was interrupted is run again. Throws usage for what nobody
/// can be asked, and for an option that says something else than a configuration that is there.
SetUp set_up(SetupOptions options);

}  // namespace walferry::setup
