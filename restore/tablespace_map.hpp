#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/codec/backup_label.hpp"
#include "restore/backup_manifest.hpp"

namespace walferry::restore {

/// Where a cluster's tablespaces are, by OID.
using TablespaceMap = std::map<std::uint32_t, std::string>;

/// The file tablespace_map as PostgreSQL reads it: "OID LOCATION", a backslash before each backslash and
/// line's end in it.
std::string tablespace_map_text(const TablespaceMap& places);

/// The server writes the lines in the order in which it finds them in pg_tblspc. nullopt for a line that
/// PostgreSQL would not accept, and for an OID that comes twice.
std::optional<TablespaceMap> parse_tablespace_map(std::string_view text);

/// The label, whose tablespaces are unpacked, and the data directory must speak of the same ones. `links`: of
/// pg_tblspc, OID to location; `map_text`: of tablespace_map, where there is one. Throws integrity.
void require_same_tablespaces(const BackupLabel& label, const std::map<std::string, std::string>& links,
                              const std::string& map_text);

/// Whether files belong to a tablespace below pg_tblspc that is none of those with a place of their own.
bool has_tablespace_in_place(const BackupManifest& manifest, const TablespaceMap& places);

}  // namespace walferry::restore
