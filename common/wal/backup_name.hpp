#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace walferry {

/// Which backup: "20261124T121314Z-1a2b3c4d", its start in UTC and eight random digits, so that two backups
/// never share a name. Their order is the order of their starts.
struct BackupId {
    std::string text;

    static BackupId make(WallTime started, std::uint32_t random);
    /// nullopt for anything that make() would not produce to the letter.
    static std::optional<BackupId> parse(std::string_view text);

    // clang-tidy 14 takes the zero that this is compared with for a pointer.
    // NOLINTNEXTLINE(modernize-use-nullptr)
    auto operator<=>(const BackupId&) const = default;
};

/// One object of a backup: a piece of a stream, "STREAM.NNNNNNNN", or "label", with which it exists.
struct BackupPart {
    std::string stream;
    std::uint32_t number = 0;  // of the piece, from 0; none for the label

    static constexpr std::string_view label_stream = "label";
    static constexpr std::string_view base_stream = "base";          // the data directory's tar
    static constexpr std::string_view manifest_stream = "manifest";  // backup_manifest
    static constexpr std::string_view config_stream = "config";      // a tar of files outside of it
    static constexpr std::uint32_t most_pieces = 100'000'000;

    static BackupPart label() { return {std::string(label_stream), 0}; }
    bool is_label() const noexcept { return stream == label_stream; }

    std::string text() const;
    /// nullopt for anything that text() would not produce to the letter.
    static std::optional<BackupPart> parse(std::string_view text);

    bool operator==(const BackupPart&) const = default;
};

/// Whether a stream of a backup may be called that: base, manifest, config, or a tablespace's OID.
bool is_backup_stream(std::string_view name) noexcept;

/// What the envelope of a backup's object says it is: "backup/ID/PART". It binds a signed piece to its place.
struct BackupObject {
    BackupId id;
    BackupPart part;

    std::string text() const { return "backup/" + id.text + "/" + part.text(); }
    static std::optional<BackupObject> parse(std::string_view text);
};

}  // namespace walferry
