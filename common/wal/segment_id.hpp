#pragma once
#include <compare>
#include <cstdint>
#include <string>

namespace walferry {

/// A file of a cluster's WAL: a segment, a partial one, a history file. In the spool the name is that of the
/// file below ready/SYSID/, which is NAME-FINGERPRINT for a second content of one name
/// (common/spool/spooled_name.hpp).
struct SegmentId {
    std::uint64_t system_identifier = 0;
    std::string name;

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy takes the 0 that this is compared with for a pointer
    auto operator<=>(const SegmentId&) const = default;
};

}  // namespace walferry
