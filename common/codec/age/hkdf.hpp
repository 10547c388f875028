#pragma once
#include <string_view>

#include "common/bytes.hpp"

namespace walferry {

/// HKDF-SHA-256 (RFC 5869), extract and expand in one; fills `out`, at most 255 * 32 bytes.
void hkdf_sha256(Bytes key_material, Bytes salt, std::string_view info, MutableBytes out);

/// HMAC-SHA-256 with a key of any length.
void hmac_sha256(Bytes key, Bytes message, MutableBytes mac);

}  // namespace walferry
