#pragma once
#include <span>

#include "common/codec/age/age_header.hpp"
#include "common/codec/age/age_keys.hpp"

namespace walferry {

inline constexpr std::string_view x25519_type = "X25519";

/// The stanza that lets `recipient` find the file key. Throws config for a key of low order.
AgeStanza wrap_x25519(const AgeRecipient& recipient, Bytes file_key);

/// False when the stanza is for somebody else. Throws AgeError (header) when it is malformed.
bool unwrap_x25519(const AgeStanza& stanza, const AgeIdentity& identity, std::span<std::byte, 16> file_key);

}  // namespace walferry
