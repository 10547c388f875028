#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "common/os/os.hpp"

namespace walferry {

struct RoomLimits {
    std::optional<std::uint64_t> max_spool;  // bytes, all clusters together
    std::optional<std::uint64_t> min_free;   // bytes
    std::string what_now;                    // the hint of the refusal: what happens next, what to do
};

/// Throws no_space when one more file of that size would pass a limit. Nothing is ever dropped to make room.
/// `ready` is the spool's directory of that name.
void check_room(const Directory& ready, std::uint64_t incoming, const RoomLimits& limits);

}  // namespace walferry
