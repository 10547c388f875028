#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "common/clock.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// What a store holds of the cluster, whichever host put it there: a request for each timeline and backup,
/// and for each thousand segments since the last look (`before`). `knows`: whether this host made a backup.
/// Throws what the store throws.
ArchiveSight see_archive(ObjectStore& store, const ObjectKeys& keys, const ArchiveSight& before,
                         const std::function<bool(const std::string& id)>& knows, WallTime now);

/// The same for every store that answers, into the ledger.
void note_archive(const Settings& settings, Ledger& ledger, std::uint64_t system_identifier,
                  const std::stop_token& stop);

}  // namespace walferry::archive
