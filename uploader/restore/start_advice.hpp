#pragma once
#include <string>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "uploader/server/server_user.hpp"

namespace walferry {

/// How a restored server is started, and what a person must see to before.
struct StartAdvice {
    std::string command;
    std::vector<std::string> notes;
};

/// Also has the server read its configuration, where it is installed. `archives`: it would go on archiving.
StartAdvice advise_start(const BackupLabel& label, const std::string& data_directory, const ServerUser& user,
                         bool archives);

}  // namespace walferry
