#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/codec/signing.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry {

/// A word that something is to be removed from one store, and by which rules (docs/format.md, "A mark"). When
/// it was said is the store's word, not the mark's.
struct ExpiryMark {
    std::string cluster;
    std::uint64_t system_identifier = 0;
    std::string store;    // the name of the one store that it is about
    std::string policy;   // Retention::policy()
    std::string made_at;  // for people; as format_time() writes it
    // Exactly one of these is not empty.
    std::optional<BackupId> backup;
    std::vector<std::pair<std::string, std::string>> wal;  // first and last segment of each run, ascending
    std::vector<std::string> keys;  // below PREFIX/CLUSTER/SYSID/, ascending: objects that no index names
    std::string writer;             // WriterKey::public_key(); empty: unsigned
    std::string signature;          // base64 without padding; empty: unsigned

    /// "wal", "objects" or the backup's ID, as its key says it.
    std::string what() const { return backup ? backup->text : wal.empty() ? "objects" : "wal"; }

    bool operator==(const ExpiryMark&) const = default;
};

inline constexpr std::size_t max_mark_size = std::size_t{4} << 20;
/// So that a mark stays far below max_mark_size.
inline constexpr std::size_t most_marked = 8000;

/// Fills in writer and signature.
void sign_mark(ExpiryMark& mark, const WriterKey& writer);

/// The JSON text. Throws integrity for a mark that parse_mark would refuse.
std::string mark_json(const ExpiryMark& mark);

/// Strict. Throws integrity.
ExpiryMark parse_mark(std::string_view json);

/// Throws integrity unless one of `trusted_writers` signed it. Where that is empty, only a signature that
/// does not fit is refused.
void check_signature(const ExpiryMark& mark, const std::vector<std::string>& trusted_writers);

}  // namespace walferry
