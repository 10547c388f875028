#pragma once
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "common/ledger/ledger.hpp"
#include "common/os/fd.hpp"
#include "common/spool_paths.hpp"

namespace walferry {

/// Exclusion between drains: flock on the spool directory itself. The kernel lets go of it when the process
/// ends, however it ends, so there is no stale lock and nothing to clean up.
class SpoolLock {
  public:
    /// Waits up to `patience`; throws locked, naming the holder's pid and since when it runs, no_spool, or
    /// interrupted.
    SpoolLock(const SpoolPaths& spool, std::chrono::milliseconds patience, std::stop_token stop);

  private:
    Fd directory_;
};

struct LockHolder {
    int pid;
    std::optional<WallTime> since;  // start of that process
};

/// Who holds the lock, as far as /proc tells. For messages only.
std::optional<LockHolder> find_lock_holder(const SpoolPaths& spool);
std::optional<LockHolder> find_lock_holder(const std::string& locked_path);

/// "process 4711 holds the lock, running since …".
std::string describe_lock_holder(const std::string& locked_path);

}  // namespace walferry
