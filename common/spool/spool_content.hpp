#pragma once
#include <optional>
#include <string>

#include "common/spool/spool_scan.hpp"
#include "common/wal/wal_header.hpp"

namespace walferry {

/// The fingerprint of an open file's bytes; `shown` is its path for messages. Throws io.
std::string fingerprint_of(int fd, const std::string& shown);

/// nullopt for a kind of file that has no WAL header, or one too short for it.
std::optional<WalHeader> header_of(const SpoolFile& file, int fd, const std::string& shown);

/// What in its header contradicts the name that a spooled file bears: walferry-archive-push would have
/// refused it. nullopt when all agrees.
std::optional<std::string> foreign_content(const SpoolFile& file, int fd, const std::string& shown);

}  // namespace walferry
