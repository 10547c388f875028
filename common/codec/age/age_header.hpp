#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec/age/age_keys.hpp"

namespace walferry {

/// The header of an age file (age-encryption.org/v1), read so strictly that there is one text for one
/// meaning.
struct AgeStanza {
    std::vector<std::string> arguments;  // the first is the type
    std::vector<std::byte> body;
};

struct AgeHeader {
    std::vector<AgeStanza> stanzas;
    std::string authenticated;  // the text that the MAC covers: up to and with the three dashes
    std::array<std::byte, 32> mac{};
};

/// A header of hundreds of recipients fits; what is longer is an attack on our memory.
inline constexpr std::size_t max_age_header = 64 * 1024;

/// Where the header that `text` begins with ends, looking from `from` on; nullopt while more is needed. What
/// lies between need not be valid.
std::optional<std::size_t> find_age_header_end(std::string_view text, std::size_t from);

/// Throws AgeError (header) unless `text` is exactly one header.
AgeHeader parse_age_header(std::string_view text);

/// A whole header for these recipients, for a file key of 16 bytes.
std::string make_age_header(const std::vector<AgeRecipient>& recipients, Bytes file_key);

/// Finds the stanza for one of the identities, fills the file key and checks the header's MAC with it.
/// Throws AgeError: no_match, header (a malformed X25519 stanza, a share of low order), header_mac.
void unwrap_age_header(const AgeHeader& header, const std::vector<AgeIdentity>& identities,
                       std::span<std::byte, 16> file_key);

}  // namespace walferry
