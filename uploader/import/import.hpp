#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "common/spool/room.hpp"
#include "console/outcome.hpp"
#include "uploader/drain/drain.hpp"

namespace walferry::importing {

struct ImportOptions {
    std::string directory;
    bool keep = false;       // leave the files where they are
    bool any_owner = false;  // also files that others may have written
    std::optional<std::uint64_t> system_identifier;
    RoomLimits limits;
};

struct ImportResult {
    std::size_t imported = 0, already_spooled = 0, already_verified = 0;
    std::size_t refused = 0;          // not what its name says, or another content under a known name
    std::size_t failed = 0;           // could not be read, copied or removed
    std::size_t left = 0;             // not tried: no room, or asked to stop
    std::vector<std::string> others;  // no WAL file's name
    std::uint64_t imported_bytes = 0;
    std::chrono::milliseconds elapsed{0};
    std::string store_trouble;   // why what was verified once came into the spool again
    std::string ledger_trouble;  // why the ledger learns of it only at the next drain
};

/// Takes a legacy archive directory's files into the spool as push would: checked, durable, duplicates and
/// conflicts told apart; a file is removed from the directory when it is safe in the spool, or when every
/// store still lists the object that this host put there and read back. What the ledger alone calls verified
/// comes into the spool once more, and the drain reads it back. Can be interrupted anywhere and run again.
/// Throws when it cannot begin; what concerns one file is in `outcome`.
ImportResult import_directory(const Settings& settings, const ImportOptions& options,
                              console::Outcome& outcome, const std::stop_token& stop,
                              const drain::Drain::Watch& watch);

}  // namespace walferry::importing
