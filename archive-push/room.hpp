#pragma once
#include <cstdint>
#include <optional>

#include "common/os.hpp"

namespace walferry::push {

struct RoomLimits {
    std::optional<std::uint64_t> max_spool;  // bytes, all clusters together
    std::optional<std::uint64_t> min_free;   // bytes
};

/// Throws no_space when one more file of that size would pass a limit. Nothing is ever dropped to make room.
/// `ready` is the spool's directory of that name.
void check_room(const Directory& ready, std::uint64_t incoming, const RoomLimits& limits);

}  // namespace walferry::push
