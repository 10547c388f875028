#pragma once
#include <optional>
#include <string>

#include "common/settings.hpp"
#include "uploader/server/server_user.hpp"

namespace walferry {

/// Whose rights a check looks at.
struct Users {
    bool root = false;  // only root can try what others may do
    std::optional<ServerUser> server;
    std::optional<ServerUser> uploader;
    std::string uploader_from;  // how it was found, or why it was not
};

/// The server's user is the spool's owner, else postgres. The uploader's is the caller where that is not
/// root; for root the one of the option (USER, or USER:GROUP), the drain that is at work, the user walferry,
/// or the only other member of the spool's group. Throws usage for an option that names nobody.
Users find_users(const Settings& settings, const std::string& uploader_option);

}  // namespace walferry
