#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec/signing.hpp"

namespace walferry {

/// A person's word on which content of a name recovery takes (docs/format.md).
struct Settlement {
    std::uint64_t system_identifier = 0;
    std::string name;         // a WalName's text
    std::string fingerprint;  // 32 hex digits
    std::string settled_at;   // as format_time() writes it
    std::string writer;       // WriterKey::public_key(); empty: unsigned
    std::string signature;    // base64 without padding; empty: unsigned

    bool operator==(const Settlement&) const = default;
};

inline constexpr std::size_t max_settlement_size = 4096;

/// Fills in writer and signature.
void sign_settlement(Settlement& settlement, const WriterKey& writer);

/// The JSON text. Throws integrity for a settlement that parse_settlement would refuse.
std::string settlement_json(const Settlement& settlement);

/// Strict, as parse_envelope is. Throws integrity.
Settlement parse_settlement(std::string_view json);

/// Throws integrity unless one of `trusted_writers` signed it. Where that is empty, only a signature that
/// does not fit is refused.
void check_signature(const Settlement& settlement, const std::vector<std::string>& trusted_writers);

}  // namespace walferry
