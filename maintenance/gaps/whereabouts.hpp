#pragma once
#include <cstdint>
#include <set>
#include <string>

#include "common/spool_paths.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "maintenance/gaps/gaps.hpp"

namespace walferry::gaps {

/// The segments from `first` to `last` that a store has.
std::set<std::string> names_in_store(ObjectStore& store, const ObjectKeys& keys,
                                     std::uint64_t system_identifier, const std::string& first,
                                     const std::string& last);

/// The WAL files that wait in the spool; none where it cannot be read.
std::set<std::string> spooled_names(const SpoolPaths& spool, std::uint64_t system_identifier);

/// Adds the place where any of what is missing is among these names.
void add_whereabouts(FoundGap& gap, Whereabouts place, const std::set<std::string>& names);

}  // namespace walferry::gaps
