#pragma once
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"

namespace walferry {

StoreIdentity identity_of(const StoreSettings& settings);

/// Where a store's objects of this cluster are, on one line: for records that outlive a configuration. A
/// store that points elsewhere is another one.
std::string place_of(const Settings& settings, const StoreSettings& store);

/// Throws config for a store that vanished from the configuration or points elsewhere than the ledger knows.
void require_same_stores(const Settings& settings, const std::vector<StoreRow>& known);

/// Brings configuration and ledger together before anything is sent: a store that is new is added; one that
/// vanished from the configuration, or points elsewhere, throws config until a person retires it, because a
/// typing error must not lower what a deletion needs. Returns the rows in the order of the configuration.
std::vector<StoreRow> reconcile_stores(const Settings& settings, Ledger& ledger, WallTime now);

}  // namespace walferry
