#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace walferry::get {

/// What the data directory that a file is restored into tells. PostgreSQL calls restore_command from there;
/// pg_rewind from elsewhere, with a path into it.
class DataDirectory {
  public:
    explicit DataDirectory(const std::string& destination);

    /// Of a server: it has a control file.
    bool is_known() const;
    const std::string& path() const noexcept { return path_; }
    /// A standby asks again for what it does not get, and must be able to promote. Where recovery.signal is
    /// there as well, PostgreSQL runs as a standby (xlogrecovery.c, readRecoverySignalFile).
    bool is_standby() const { return standby_; }
    /// The server that is recovering; nullopt when none runs there or it does not say.
    std::optional<pid_t> postmaster() const;

  private:
    std::string path_;
    bool standby_ = false;
};

}  // namespace walferry::get
