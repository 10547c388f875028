#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// By segment name: the settlements that a listing shows. Nothing of them was read.
using ListedSettlements = std::map<std::string, std::vector<SettlementName>>;

/// What a store's settlements of one name say.
struct Settled {
    std::set<std::string> contents;    // fingerprints
    std::vector<std::string> refused;  // those that count for nothing, a line each
};

/// Lists settled/, page by page. Throws what the store throws.
ListedSettlements list_settlements(ObjectStore& store, const ObjectKeys& keys);

/// The one rule by which a settlement counts, for a recovery and for everything that tells what a recovery
/// will do. Where there are trusted writers, each settlement is read, and counts only when one of them signed
/// it; without any, a listing is taken at its word, as it is for segments, also where this host signs. Throws
/// what the store throws: a settlement that cannot be read may be the one that matters.
Settled read_settled(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                     const std::vector<SettlementName>& listed, const Settings& settings);

/// Those that one of these writers signed; of any writer or none where there are no names.
Settled settled_by(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                   const std::vector<SettlementName>& listed, const std::vector<std::string>& writers);

}  // namespace walferry::archive
