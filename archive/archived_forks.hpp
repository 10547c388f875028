#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/forks.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/ledger/ledger.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// A store that answers, and the keys of one cluster in it.
struct AskedStore {
    ObjectStore* store = nullptr;
    ObjectKeys keys;
};

/// Adds what one store knows of the timelines above `from`: a few requests for each. Histories are read where
/// `decoding` allows it, and else taken from `known` (by this host's ledger). Throws what the store throws.
void add_forks(Forks& forks, const AskedStore& asked, std::uint64_t system_identifier,
               std::uint64_t segment_size, std::uint32_t from, const std::optional<DecodeOptions>& decoding,
               const std::vector<HistoryRow>& known);

/// All objects of a name in a store.
std::vector<ObjectName> objects_of(const AskedStore& asked, const std::string& name);

}  // namespace walferry::archive
