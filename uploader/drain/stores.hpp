#pragma once
#include <vector>

#include "common/ledger.hpp"
#include "common/settings.hpp"

namespace walferry {

StoreIdentity identity_of(const StoreSettings& settings);

/// Brings configuration and ledger together before anything is sent: a store that is new is added; one that
/// vanished from the configuration, or points elsewhere, throws config until a person retires it, because a
/// typing error must not lower what a deletion needs. Returns the rows in the order of the configuration.
std::vector<StoreRow> reconcile_stores(const Settings& settings, Ledger& ledger, WallTime now);

}  // namespace walferry
