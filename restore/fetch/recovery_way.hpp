#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/os/os.hpp"
#include "common/wal/timeline_history.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::fetch {

/// Where the recovery of a server is going, as its data directory tells: the history files in pg_wal and
/// recovery_target_timeline.
class RecoveryWay {
  public:
    enum class Unknown { refused, newest };
    /// `wal`: pg_wal, which must outlive it. `data_directory`: empty where it is not known. `unknown`: what
    /// to take for the target where the server does not say.
    RecoveryWay(const Directory& wal, std::string data_directory, Unknown unknown);

    /// Timelines up to this one may have begun before there was an archive.
    std::uint32_t own_timeline() const;
    /// 0 where it is not known.
    std::uint64_t segment_size() const noexcept { return segment_size_; }

    /// Where the recovery leaves the segment's timeline for a newer one, if that is within the segment or
    /// before it: what the old timeline has from there on must not be replayed. nullopt where it does not
    /// leave it there, as in a recovery along the old timeline on purpose. Throws where that cannot be told.
    std::optional<std::uint64_t> leaves_at(const WalName& segment) const;

    /// What pg_wal itself has under a history file's name.
    std::optional<std::string> own_history(const WalName& history) const;
    /// All of pg_wal's history files that can be read.
    std::vector<TimelineHistory> own_histories() const;

  private:
    std::vector<std::uint32_t> own_history_timelines() const;
    std::string target_setting() const;
    std::uint32_t target() const;

    const Directory& wal_;
    const std::string data_directory_;
    const Unknown unknown_;
    std::uint64_t segment_size_ = 0;
};

/// The program and its arguments in the text of postmaster.opts, which a server writes when it starts.
std::vector<std::string> server_command(const std::string& postmaster_opts);

}  // namespace walferry::fetch
