#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "common/spool_paths.hpp"

namespace walferry::host {

/// Who owns a spool: the server's user, and the group that the uploader shares with it.
struct SpoolOwner {
    uid_t user;
    gid_t group;
};

/// Whether there is a spool already.
bool is_spool(const SpoolPaths& spool);

/// Looks up names (or numbers). Empty: whoever a spool belongs to that is there already, else the caller and
/// its primary group. Throws usage for unknown ones, and where the user would be root by a spool that
/// somebody gave away: no server runs as root.
SpoolOwner find_spool_owner(const SpoolPaths& spool, const std::string& user, const std::string& group);

/// Makes the spool and its ledger, or fixes owners and modes of one that exists; touches no data. Returns a
/// line for everything that was changed. Durable on return. Throws io, config (network filesystems), ledger.
std::vector<std::string> set_up_spool(const SpoolPaths& spool, const SpoolOwner& owner);

/// Throws config when the directory (or its nearest existing parent) is on a network filesystem: SQLite's
/// locks cannot be trusted there.
void refuse_network_filesystem(const std::string& path);

}  // namespace walferry::host
