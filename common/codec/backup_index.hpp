#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec/signing.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry {

/// What a backup consists of and which WAL it needs, for hosts that cannot decrypt its label (docs/format.md,
/// "The index"): stored beside it in plain JSON, compressed and signed. It says nothing that a listing of the
/// store does not show, but whether the backup is complete.
struct BackupIndex {
    struct Object {
        std::string key;  // below PREFIX/CLUSTER/SYSID/
        std::uint64_t size = 0;
        bool operator==(const Object&) const = default;
    };

    BackupId id;
    std::string cluster;
    std::uint64_t system_identifier = 0;
    int pg_version = 0;  // the server's major version
    std::uint64_t segment_size = 0;
    std::uint32_t timeline = 0;
    std::string first_segment, last_segment;  // of the WAL that it needs
    std::string started_at, stopped_at;       // by the server's clock, as format_time() writes it
    std::uint64_t size = 0;                   // of its streams, before encoding
    bool complete = false;                    // nothing of the cluster is missing in it
    std::vector<Object> objects;              // in the order of their keys, the label among them
    std::string writer;                       // WriterKey::public_key(); empty: unsigned
    std::string signature;                    // base64 without padding; empty: unsigned

    std::uint64_t object_size() const noexcept;  // of all objects

    bool operator==(const BackupIndex&) const = default;
};

/// As for a label: it would speak of a hundred terabytes.
inline constexpr std::size_t max_backup_index_size = std::size_t{512} << 20;

/// Fills in writer and signature.
void sign_index(BackupIndex& index, const WriterKey& writer);

/// The JSON text. Throws integrity for an index that parse_backup_index would refuse.
std::string backup_index_json(const BackupIndex& index);

/// Strict: mandatory fields once each and well-formed, keys of objects of backups in ascending order, the
/// backup's own label among them. Throws integrity.
BackupIndex parse_backup_index(std::string_view json);

/// Throws integrity unless one of `trusted_writers` signed it. Where that is empty, only a signature that
/// does not fit is refused.
void check_signature(const BackupIndex& index, const std::vector<std::string>& trusted_writers);

}  // namespace walferry
