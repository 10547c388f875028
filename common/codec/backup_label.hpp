#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/wal/backup_name.hpp"

namespace walferry {

/// The content of the object that completes a backup (docs/format.md): what there is, how it is put together
/// again, and which WAL it needs.
struct BackupLabel {
    struct Tablespace {
        std::uint32_t oid = 0;  // its stream's name
        std::string name;       // empty where the server did not tell
        std::string location;   // an absolute path on the server, or "pg_tblspc/OID"
        /// A directory in the data directory itself (allow_in_place_tablespaces), without a link.
        bool in_place() const { return location == "pg_tblspc/" + std::to_string(oid); }
        bool operator==(const Tablespace&) const = default;
    };
    struct Piece {
        std::uint64_t size = 0;         // of the stream's bytes in it
        std::uint64_t object_size = 0;  // as stored
        std::string fingerprint;        // of the stream's bytes, 32 hex digits
        std::string sha256;             // of the object's bytes, 64 hex digits
        bool operator==(const Piece&) const = default;
    };
    struct Stream {
        std::string name;
        std::uint64_t size = 0;
        std::vector<Piece> pieces;  // in order, at least one
        bool operator==(const Stream&) const = default;
    };

    BackupId id;
    std::string cluster;
    std::uint64_t system_identifier = 0;
    std::string pg_version;  // "15.14"
    int pg_version_num = 0;  // 150014
    std::uint64_t segment_size = 0;
    std::uint32_t timeline = 0;
    std::uint64_t start_lsn = 0;
    std::uint64_t stop_lsn = 0;
    std::string started_at;  // by the server's clock, as format_time() writes it
    std::string stopped_at;
    std::string data_directory;
    unsigned data_directory_mode = 0700;  // of PGDATA on the server: 0700, or 0750 with group access
    // In force at the backup, whatever set them: those that recovery compares with pg_control, and wal_level.
    std::map<std::string, std::string> settings;
    std::vector<std::string> replication_slots;  // by name: no base backup holds them
    std::vector<std::string> missing;  // what of the cluster is not in this backup; empty: it is complete
    std::vector<Tablespace> tablespaces;
    std::vector<std::string> config_files;          // absolute paths; what the stream `config` holds
    std::string config_file, hba_file, ident_file;  // which of them is which; empty: not known
    std::vector<Stream> streams;                    // `base` and `manifest` are always there
    std::string walferry_version;

    /// nullptr where there is no such stream.
    const Stream* stream(std::string_view name) const noexcept;
    std::uint64_t size() const noexcept;         // of all streams
    std::uint64_t object_size() const noexcept;  // of all pieces

    bool operator==(const BackupLabel&) const = default;
};

/// How much of a stream one piece holds: every one but the last exactly that.
inline constexpr std::uint64_t backup_piece_size = std::uint64_t{64} << 20;

/// A label is no larger: it would speak of a hundred terabytes.
inline constexpr std::uint64_t max_backup_label_size = std::uint64_t{512} << 20;

/// "0700", as PostgreSQL shows data_directory_mode.
std::string octal_mode(unsigned mode);

/// JSON for people and programs. A text that is not UTF-8 (a path, say) is written as {"base64": "..."}.
/// Throws integrity for a label that parse_backup_label would refuse.
std::string backup_label_json(const BackupLabel& label);

/// Strict: mandatory fields once each and well-formed, sizes that add up, format 2; unknown fields are
/// ignored. Throws integrity.
BackupLabel parse_backup_label(std::string_view json);

}  // namespace walferry
