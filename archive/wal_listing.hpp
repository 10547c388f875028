#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "archive/held_wal.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// One store's WAL, as its listing shows it.
struct ListedWal {
    HeldSegments segments;
    HeldSegments partials;
    SettledSegments settled, settled_partials;
    std::map<std::uint32_t, std::vector<ObjectName>> histories;
    std::map<std::uint32_t, std::vector<std::string>> settled_histories;  // fingerprints
    std::vector<std::string> refused_settlements;                         // a line each
};

/// Lists segments from this position on (HeldSegment::position, of any timeline) and all history files, and
/// reads what was settled (read_settled).
ListedWal list_wal(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                   std::uint64_t from_position, const Settings& settings);

/// The timelines that a store has anything of: "00000001". One request for each.
std::vector<std::string> list_timelines(ObjectStore& store, const ObjectKeys& keys);

/// The half of a fingerprint that HeldSegment keeps.
std::uint64_t short_content(const std::string& fingerprint);

}  // namespace walferry::archive
