#pragma once
#include <string>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "server/server_user.hpp"

namespace walferry::restore {

/// How a restored server is started, and what a person must see to before.
struct StartAdvice {
    std::string command;
    std::string
        log;  // where the server says how it starts; outside the data directory, so in no backup of it
    std::vector<std::string> notes;
};

/// Also has the server read its configuration, where it is installed: in `programs`, where that is not empty,
/// else where distributions have it, in PATH, or where pg_config says. `archives`: it would go on archiving.
StartAdvice advise_start(const BackupLabel& label, const std::string& data_directory,
                         const server::ServerUser& user, bool archives, const std::string& programs);

}  // namespace walferry::restore
