#pragma once
#include <optional>
#include <string>

#include "common/os.hpp"
#include "common/segment_source.hpp"

namespace walferry {

/// Compares the source with the file of its name in the spool, byte by byte. nullopt when there is no such
/// file; the fingerprint when both are the same, and then the spool's file and its entry are on stable
/// storage. Throws conflict when they differ, or when something other than a regular file stands there.
std::optional<std::string> match_spooled(const SegmentSource& source, const Directory& cluster);

}  // namespace walferry
