#pragma once
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/sqlite.hpp"
#include "common/spool_paths.hpp"

namespace walferry {

/// How the ledger is opened, and what to do where that fails.
sqlite::OpenOptions ledger_options();

/// The ledger's path with every symbolic link above the spool resolved (SQLite is told to follow none), after
/// a look at what stands there: a FIFO or device in its place, or in place of its -wal and -shm, is refused,
/// because opening one could hang. Throws Error of kind ledger, or ledger_corrupt for what is no file.
std::string checked_ledger_path(const SpoolPaths& spool);

/// Makes an empty file with the ledger's mode where there is none. A -wal or -shm that an earlier ledger left
/// behind is set aside before: it must not be taken for the new one's.
void create_ledger_file(const SpoolPaths& spool);

/// Renames the ledger with its -wal and -shm, as far as they exist, to names that hold the time and still
/// belong together for the sqlite3 shell; replaces nothing. Returns the new paths. For a process that holds
/// the spool's lock. The database goes first: see sqlite::Database::require_unmoved().
std::vector<std::string> set_ledger_aside(const SpoolPaths& spool, WallTime now);

}  // namespace walferry
