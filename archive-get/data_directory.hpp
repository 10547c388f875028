#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace walferry::get {

/// What the data directory that a file is restored into tells. PostgreSQL calls restore_command from there;
/// pg_rewind from elsewhere, with a path into it.
class DataDirectory {
  public:
    /// `name`: of the file that is asked for.
    DataDirectory(const std::string& destination, const std::string& name);

    /// Of a server: it has a control file.
    bool is_known() const;
    const std::string& path() const noexcept { return path_; }
    /// A standby asks again for what it does not get, and must be able to promote. Where recovery.signal is
    /// there as well, PostgreSQL runs as a standby (xlogrecovery.c, readRecoverySignalFile). A server at the
    /// end of its recovery has removed both, and asks once more for the history of the timeline that it
    /// leaves (timeline.c, writeTimeLineHistory): where pg_wal has that, it needs no answer either.
    bool is_standby() const { return standby_; }
    /// The server that is recovering; nullopt when none runs there or it does not say.
    std::optional<pid_t> postmaster() const;

  private:
    std::string path_;
    bool standby_ = false;
};

}  // namespace walferry::get
