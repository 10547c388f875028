#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "restore/file_checksum.hpp"

namespace walferry::restore {

struct ManifestFile {
    std::string path;  // relative to the data directory
    std::uint64_t size = 0;
    ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;
    std::string checksum;  // lower-case hex digits
};

/// PostgreSQL's backup_manifest (documentation: "Backup Manifest Format"), versions 1 and 2.
struct BackupManifest {
    std::vector<ManifestFile> files;                 // ascending by path
    std::optional<std::uint64_t> system_identifier;  // version 2 says it

    /// Throws integrity where its own checksum does not fit, for a path that leads out of the data directory
    /// or stands twice, and for anything that is not as PostgreSQL writes it.
    static BackupManifest parse(std::string_view text);

    const ManifestFile* find(std::string_view path) const;
};

/// Relative, without empty, "." and ".." parts, and with nothing that would end a path early.
bool stays_inside(std::string_view path) noexcept;

}  // namespace walferry::restore
