#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walferry {

enum class WalKind { segment, partial, history, backup };

/// "wal", "partial", "history", "backup": as the ledger's column `kind` holds them.
std::string_view to_string(WalKind kind) noexcept;

/// The name of a file that archive_command is called with (PostgreSQL: access/xlog_internal.h, IsXLogFileName
/// and its neighbours). Upper-case hexadecimal only.
///   TTTTTTTTXXXXXXXXYYYYYYYY            a WAL segment
///   TTTTTTTTXXXXXXXXYYYYYYYY.partial    the last, unfinished one of a timeline
///   TTTTTTTTXXXXXXXXYYYYYYYY.OOOOOOOO.backup
///   TTTTTTTT.history
struct WalName {
    std::string text;
    WalKind kind;
    std::uint32_t timeline;
    std::uint32_t log = 0;  // zero for a history file
    std::uint32_t seg = 0;

    /// nullopt for anything that is not exactly such a name; never looks past the characters given.
    static std::optional<WalName> parse(std::string_view text);

    /// The WAL segment of that size that holds the byte at `lsn`.
    static WalName segment_at(std::uint32_t timeline, std::uint64_t lsn, std::uint64_t segment_size);

    /// The first eight digits, TTTTTTTT.
    std::string_view timeline_digits() const noexcept { return std::string_view(text).substr(0, 8); }
    /// True for the two kinds that begin with a WAL page header.
    bool has_header() const noexcept { return kind == WalKind::segment || kind == WalKind::partial; }
    /// Where the segment starts in the WAL, in bytes. nullopt when the name cannot belong to segments of that
    /// size (its low part is too large for it).
    std::optional<std::uint64_t> start_lsn(std::uint64_t segment_size) const noexcept;
};

}  // namespace walferry
