#pragma once
#include <optional>
#include <string>

#include "server/server_user.hpp"

namespace walferry::check {

/// Whose rights a check looks at.
struct Users {
    bool root = false;  // only root can try what others may do
    std::optional<server::ServerUser> server;
    std::optional<server::ServerUser> uploader;
    std::string uploader_from;  // how it was found, or why it was not
};

/// What the spool's directory tells of users.
struct SpoolTraces {
    struct Owner {
        uid_t uid;
        gid_t gid;
    };
    std::optional<Owner> owner;
    std::optional<Owner> drain;  // of the process that holds its lock
};

/// Looks at the directory, which may be on a filesystem that hangs.
SpoolTraces trace_users(const std::string& spool);

/// The server's user is the spool's owner, else postgres. The uploader's is the caller where that is not
/// root; for root the one of the option (USER, or USER:GROUP), the drain that is at work, the user walferry,
/// or the only other member of the spool's group. Throws usage for an option that names nobody.
Users find_users(const SpoolTraces& spool, const std::string& uploader_option);

}  // namespace walferry::check
