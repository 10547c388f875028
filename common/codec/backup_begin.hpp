#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec/signing.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry {

/// That a backup is being made (docs/format.md, "The beginning of a backup"): the first object of its folder,
/// so that no host expires what it will need before its index can say so.
struct BackupBegin {
    BackupId id;
    std::string cluster;
    std::uint64_t system_identifier = 0;
    std::string first_segment;  // it needs no WAL before this one
    std::string begun_at;       // by the server's clock, as format_time() writes it
    std::string writer;         // WriterKey::public_key(); empty: unsigned
    std::string signature;      // base64 without padding; empty: unsigned

    bool operator==(const BackupBegin&) const = default;
};

inline constexpr std::size_t max_backup_begin_size = 4096;

/// Fills in writer and signature.
void sign_begin(BackupBegin& begin, const WriterKey& writer);

/// The JSON text. Throws integrity for one that parse_backup_begin would refuse.
std::string backup_begin_json(const BackupBegin& begin);

/// Strict. Throws integrity.
BackupBegin parse_backup_begin(std::string_view json);

/// Throws integrity unless one of `trusted_writers` signed it. Where that is empty, only a signature that
/// does not fit is refused.
void check_signature(const BackupBegin& begin, const std::vector<std::string>& trusted_writers);

}  // namespace walferry
