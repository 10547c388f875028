#pragma once
#include "common/store/object_store.hpp"
#include "host/check/look.hpp"

namespace walferry::check {

/// Lists the newest WAL in a store, from some hundred segments behind what this host's ledger knows as
/// verified there, and finds objects that this host did not put: another one writes under the same name,
/// ahead of this host or behind it. A drain records what it is about to put, so its own objects are known
/// however fresh they are. A standby archives nothing, so what is there is its primary's.
void look_for_second_uploader(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                              console::Findings& findings);

}  // namespace walferry::check
