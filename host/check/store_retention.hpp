#pragma once
#include "console/finding.hpp"
#include "host/check/look.hpp"

namespace walferry::check {

/// Whether anything ever leaves the store: what its retention is, or how fast it grows without one.
void look_at_retention(const CheckContext& context, const StoreSettings& store, console::Findings& findings);

}  // namespace walferry::check
