#pragma once
#include <string>

namespace walferry::setup {

/// Who shares a spool, by name.
struct SpoolUsers {
    std::string owner;     // the server's user
    std::string group;     // shared with the uploader
    std::string uploader;  // empty where the group's name is no user's, so that nothing tells
};

/// Of a spool that is there already what it says, unless something else is named (empty: nothing is); of a
/// new one postgres, and whom the units run as. Throws usage for users that there are none of, and for a
/// group that the units are not in.
SpoolUsers find_spool_users(const std::string& spool, const std::string& configuration,
                            const std::string& owner, const std::string& group);

/// Makes the server's user a member of the group, where it is none. Throws io.
void join_group(const SpoolUsers& users);

}  // namespace walferry::setup
