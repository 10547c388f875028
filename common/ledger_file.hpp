#pragma once
#include <string>

#include "common/spool.hpp"

namespace walferry {

/// The ledger's path with every symbolic link above the spool resolved (SQLite is told to follow none), after
/// a look at what stands there: a FIFO or device in its place, or in place of its -wal and -shm, is refused,
/// because opening one could hang. Throws Error of kind ledger.
std::string checked_ledger_path(const SpoolPaths& spool);

}  // namespace walferry
