#pragma once
#include "common/bytes.hpp"

namespace walferry {

/// Bytes as libsodium takes them.
inline const unsigned char* octets(Bytes bytes) noexcept {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* writable_octets(MutableBytes bytes) noexcept {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace walferry
