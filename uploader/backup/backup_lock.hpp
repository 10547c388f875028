#pragma once
#include "common/os/fd.hpp"
#include "common/settings/settings.hpp"
#include "common/spool_paths.hpp"

namespace walferry::backup {

/// Exclusion between backups of one cluster on this host: flock on the spool's ledger directory, or, where
/// there is no spool, on the configuration file. The kernel lets go of it when the process ends, however it
/// ends. A drain's lock is another one, so both may run at once.
class BackupLock {
  public:
    /// Throws locked, naming the holder's pid and since when it runs.
    explicit BackupLock(const Settings& settings);

  private:
    Fd held_;
};

}  // namespace walferry::backup
