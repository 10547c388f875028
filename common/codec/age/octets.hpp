#pragma once
#include "common/bytes.hpp"

namespace walferry {

/// Bytes as libsodium takes them. Its parameters must not be null, not even for no bytes at all.
inline const unsigned char* octets(Bytes bytes) noexcept {
    static constexpr unsigned char nothing = 0;
    return bytes.empty() ? &nothing : reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* writable_octets(MutableBytes bytes) noexcept {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace walferry
