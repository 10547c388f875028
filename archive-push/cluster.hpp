#pragma once
#include <cstdint>
#include <optional>

#include "common/spool/segment_source.hpp"

namespace walferry::push {

/// The cluster that the source belongs to: what the control file says, else the option. Throws refused when
/// both are there and differ, usage when there is neither.
std::uint64_t system_identifier_of(const SegmentSource& source, std::optional<std::uint64_t> option);

}  // namespace walferry::push
