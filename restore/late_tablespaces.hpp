#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/wal/wal_facts.hpp"
#include "restore/path_facts.hpp"
#include "restore/recovery_target.hpp"
#include "restore/restore_places.hpp"
#include "server/server_user.hpp"

namespace walferry::restore {

/// A tablespace that replay creates, at the path that its record names: PostgreSQL accepts what is there and
/// overwrites it, and a link of the restored data directory is replaced by one to that path.
struct LateTablespace {
    std::uint32_t oid = 0;
    std::string path;
    std::int64_t time = 0;  // of its transaction; 0: not known
    std::uint64_t lsn = 0;
};

/// Those that recovery from the backup to the target meets. A target that facts cannot place counts as the
/// end of the reach.
std::vector<LateTablespace> late_tablespaces(PathFacts& facts, const archive::SurveyedBackup& backup,
                                             const archive::Reach& reach, const RecoveryTarget& target);

/// OLD=NEW of --tablespace: what concerns the backup's tablespaces, or nothing, and what those that replay
/// creates; one may be both.
using Mappings = std::vector<std::pair<std::string, std::string>>;
std::pair<Mappings, Mappings> split_mappings(const Mappings& all, const BackupLabel& label,
                                             const std::vector<LateTablespace>& late);

/// What is made before the server starts, so that replay finds only what is its own.
struct LatePlaces {
    std::vector<std::string> directories;                    // empty, the server's user's
    std::vector<std::pair<std::string, std::string>> links;  // the record's path, and where it leads
};

/// Looks, and makes nothing. Throws usage, naming the ways out, for a path that exists on this host, unless
/// it is an empty directory outside of every running server's. `mapped`: OLD=NEW of --tablespace; those that
/// are used here are taken out of it. Places of the restore itself are its own.
LatePlaces find_late_places(const std::vector<LateTablespace>& tablespaces, const RestorePlaces& places,
                            const Mappings& mapped);

void make_late_places(const LatePlaces& places, const server::ServerUser& user);

/// Data directories and tablespaces of the servers that run on this host, as far as this user may see.
std::vector<std::string> running_servers_directories();

/// A server of a cluster that runs on this host, and where its tablespaces are.
struct LivingServer {
    std::string data;
    std::vector<std::pair<std::uint32_t, std::string>> tablespaces;  // OID and place
};
std::vector<LivingServer> living_servers(std::uint64_t system_identifier);

}  // namespace walferry::restore
