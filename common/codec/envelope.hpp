#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec/signed_text.hpp"
#include "common/codec/signing.hpp"
#include "common/codec/wal_facts_text.hpp"

namespace walferry {

/// What an object says about the segment inside it (docs/format.md).
struct Envelope {
    std::uint64_t system_identifier = 0;
    std::string name;                // a WalName's text, or a BackupObject's
    std::uint64_t size = 0;          // of the segment, in bytes
    std::string fingerprint;         // 32 hex digits
    int pg_version = 0;              // major version (9 for 9.6); 0: unknown, or not a WAL segment
    std::uint64_t segment_size = 0;  // the cluster's wal_segment_size; 0: unknown, or not a WAL segment
    std::string spooled_at;          // as format_time() writes it
    std::string frame_sha256;        // of the zstd frame before the envelope, 64 hex digits
    std::string writer;              // WriterKey::public_key(); empty: unsigned
    std::string signature;           // base64 without padding; empty: unsigned
    std::string facts;               // facts_text() of a WAL segment; empty: none are known

    bool operator==(const Envelope&) const = default;
};

/// Everything but the facts, and those with each character behind a backslash.
inline constexpr std::size_t max_envelope_size = 4096 + 2 * max_facts_size;

/// Fills in writer and signature.
void sign_envelope(Envelope& envelope, const WriterKey& writer);

/// The JSON text. Throws integrity for an envelope that parse_envelope would refuse.
std::string envelope_json(const Envelope& envelope);

/// Strict: mandatory fields once each and well-formed, format 2; unknown fields are ignored. Throws
/// integrity.
Envelope parse_envelope(std::string_view json);

/// Throws integrity for a signature that does not fit, and, where `trusted_writers` is not empty, for an
/// envelope that none of them signed.
void check_signature(const Envelope& envelope, const std::vector<std::string>& trusted_writers);

/// What is signed: every field but the signature.
SignedText signed_text(const Envelope& envelope);

}  // namespace walferry
