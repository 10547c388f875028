#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/os/os.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::importing {

/// An archive directory of an earlier set-up, looked through once.
struct LegacyDirectory {
    Directory directory;
    std::vector<WalName> names;       // history files first, then in the order of their names
    std::vector<std::string> others;  // no WAL file's name; left alone
};

/// Throws usage when it is a running server's pg_wal or (part of) the spool itself: what is imported is
/// removed there. Throws io when it cannot be read, or, unless `keep`, when nothing could be removed from it.
LegacyDirectory open_legacy_directory(const std::string& path, const SpoolPaths& spool, bool keep);

/// Why another user than `owner` and root may have written it; nullopt where none can have.
std::optional<std::string> foreign_hand(const struct stat& status, uid_t owner);

/// The only cluster that the directory's WAL segments belong to, by their headers; nullopt where there is
/// none or more than one. With an owner, only segments that no other user can have written are asked.
std::optional<std::uint64_t> only_cluster_in(const LegacyDirectory& legacy, std::optional<uid_t> owner);

}  // namespace walferry::importing
