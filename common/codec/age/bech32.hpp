#pragma once
#include <string_view>

#include "common/bytes.hpp"
#include "common/os/secret_file.hpp"

namespace walferry {

/// Bech32 as in BIP-173, without its limit of 90 characters. The prefix (BIP-173: human-readable part)
/// decides the case of the whole text: "AGE-SECRET-KEY-" makes upper case, "age" lower. Keys may be secret,
/// so the text comes in a buffer that wipes itself.
SecretText bech32_encode(std::string_view prefix, Bytes data);

/// Fills `data` exactly. False when the text has another prefix, case, length or checksum, or set padding
/// bits; `data` is then wiped.
bool bech32_decode(std::string_view text, std::string_view prefix, MutableBytes data) noexcept;

}  // namespace walferry
