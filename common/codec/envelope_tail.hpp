#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/codec/envelope.hpp"
#include "common/codec/segment_codec.hpp"

namespace walferry {

/// Reads an object's envelope without the object: its first bytes, for age's header, and its last ones.
/// `part` returns as many bytes from that place on. The segment is not looked at, so nothing vouches for it;
/// the envelope itself is authentic where it is signed. Throws as SegmentDecoder does; nullopt where the
/// envelope is not the last thing in the object, or longer than any that walferry writes.
std::optional<Envelope> read_envelope(
    std::uint64_t object_size, const DecodeOptions& options,
    const std::function<std::vector<std::byte>(std::uint64_t offset, std::uint64_t length)>& part);

}  // namespace walferry
