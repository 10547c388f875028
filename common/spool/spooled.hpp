#pragma once
#include <string>

#include "common/os/os.hpp"
#include "common/spool/segment_source.hpp"

namespace walferry {

/// How a file in the spool compares with the source.
struct SpoolMatch {
    enum class Kind { absent, same, other };
    Kind kind = Kind::absent;
    std::string fingerprint;  // same: of both
};

/// Compares the source with the file of that name in the spool, byte by byte. When both are the same, the
/// spool's file and its entry are on stable storage. Throws conflict when something other than a regular file
/// has that name.
SpoolMatch match_spooled(const SegmentSource& source, const Directory& cluster, const std::string& entry);

/// The source's own.
std::string fingerprint_of(const SegmentSource& source);

}  // namespace walferry
