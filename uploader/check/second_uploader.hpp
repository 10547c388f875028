#pragma once
#include "common/settings.hpp"
#include "common/store/object_store.hpp"
#include "uploader/check/finding.hpp"

namespace walferry {

/// Lists what the store holds from the newest segment on that this host's ledger knows as verified there, and
/// finds objects that this host did not put: another one writes under the same name. A drain records what it
/// is about to put, so its own objects are known however fresh they are.
void look_for_second_uploader(const Settings& settings, const StoreSettings& store, ObjectStore& objects,
                              Findings& findings);

}  // namespace walferry
