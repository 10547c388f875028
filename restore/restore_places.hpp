#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "common/os/os.hpp"
#include "server/server_user.hpp"

namespace walferry::restore {

/// Lies in a directory that is being restored into, and says what it is. With it a restore begins; it goes
/// last.
inline constexpr const char* incomplete_marker = "walferry-restore-incomplete";

/// Where a backup is put: the data directory and every tablespace.
struct RestorePlaces {
    std::string data_directory;
    std::map<std::uint32_t, std::string> tablespaces;  // by OID
};

/// Looks, and makes nothing. `mapped`: OLD=NEW locations of tablespaces. Throws usage for a place that exists
/// and is not an empty directory, lies in a data directory or in another place of the restore, for a mapping
/// that fits no tablespace, and for one that is missing because the old location is in use here.
RestorePlaces find_places(const BackupLabel& label, const std::string& to,
                          const std::vector<std::pair<std::string, std::string>>& mapped);

/// Throws usage where the server's user could not come to a place, because of what lies above it.
void check_reachable(const RestorePlaces& places, const server::ServerUser& user);

/// Throws no_space where the filesystems do not have the room that the backup takes.
void check_room(const RestorePlaces& places, const BackupLabel& label);

/// Makes one place, with what is missing above it, the server user's own, and puts the marker into it. The
/// directory is open from before anything is written. Throws usage when somebody else was quicker.
Directory make_place(const std::string& path, const server::ServerUser& user, const std::string& marker_text);

}  // namespace walferry::restore
