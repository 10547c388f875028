#pragma once
#include "common/store/object_store.hpp"
#include "host/check/look.hpp"

namespace walferry::check {

/// Compares what the ledger calls verified in a store with its listings: the newest segments, and some more
/// from where the last check ended. What is lost is written into the ledger.
void look_for_lost_objects(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                           console::Findings& findings);

/// What `walferry verify` has found there, by this host's ledger.
void look_for_damaged_objects(const CheckContext& context, const StoreSettings& store,
                              console::Findings& findings);

}  // namespace walferry::check
