#pragma once
#include "common/store/object_store.hpp"
#include "uploader/check/look.hpp"

namespace walferry {

/// Compares what the ledger calls verified in a store with its listings: the newest segments, and some more
/// from where the last check ended. What is lost is written into the ledger.
void look_for_lost_objects(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                           Findings& findings);

}  // namespace walferry
