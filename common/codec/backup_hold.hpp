#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec/signing.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry {

/// A person's word that a backup stays, in every store, or the word that takes such a word back
/// (docs/format.md, "A hold").
struct BackupHold {
    std::string cluster;
    std::uint64_t system_identifier = 0;
    BackupId backup;
    std::string reason;
    std::string until;     // as format_time() writes it; empty: for good
    std::string releases;  // HoldName::sha256 of the hold that ends with this; empty: it is a hold itself
    std::string made_at;
    std::string writer;     // WriterKey::public_key(); empty: unsigned
    std::string signature;  // base64 without padding; empty: unsigned

    bool operator==(const BackupHold&) const = default;
};

inline constexpr std::size_t max_hold_size = 8192;

/// Fills in writer and signature.
void sign_hold(BackupHold& hold, const WriterKey& writer);

/// The JSON text. Throws integrity for a hold that parse_hold would refuse.
std::string hold_json(const BackupHold& hold);

/// Strict. Throws integrity.
BackupHold parse_hold(std::string_view json);

/// Throws integrity unless one of `trusted_writers` signed it. Where that is empty, only a signature that
/// does not fit is refused.
void check_signature(const BackupHold& hold, const std::vector<std::string>& trusted_writers);

}  // namespace walferry
