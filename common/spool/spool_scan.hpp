#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/os/fd.hpp"
#include "common/spool/spooled_name.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/segment_id.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {

/// A file in ready/SYSID/ as it was seen; the numbers tell whether a later look sees the same one.
struct SpoolFile {
    std::uint64_t system_identifier;
    WalName name;
    std::uint64_t size;
    WallTime modified;
    dev_t device;
    ino_t inode;
    std::string fingerprint = {};  // by its name, where that says one (SpooledName)

    std::string entry() const { return SpooledName{name, fingerprint}.text(); }
    SegmentId id() const { return {system_identifier, entry()}; }
};

struct SpoolScan {
    std::vector<SpoolFile> files;
    std::vector<std::string> problems;  // what is in the way and why it was left alone, one line each
    std::size_t strangers = 0;          // without a WAL file's name; only some of them are among the problems
};

/// Looks through ready/. Only regular files with one link and a WAL name count; whatever else somebody put
/// there is reported and never touched. Throws no_spool or io when the spool itself cannot be read.
SpoolScan scan_spool(const SpoolPaths& spool);

/// The same for one entry that may be there; adds to `scan`.
void scan_spool_file(const SpoolPaths& spool, std::uint64_t system_identifier, const std::string& entry,
                     SpoolScan& scan);

/// Opens a spooled file for reading: O_NOFOLLOW, and only if it is still the one that was seen; an invalid Fd
/// when it is gone. Throws integrity when something else has taken its place.
Fd open_spool_file(const SpoolPaths& spool, const SpoolFile& file);

/// Unlinks it, if it is still the one that was seen. False when it was gone already.
bool remove_spool_file(const SpoolPaths& spool, const SpoolFile& file);

}  // namespace walferry
