#pragma once
#include "uploader/drain/run.hpp"

namespace walferry::drain {

/// Keeps the spool empty until asked to stop: what appears is sent within a second, also while a store that
/// hangs is waited for; a store that is down is tried again and again, for days if need be. Local trouble (a
/// full disk, a busy ledger) is reported and waited out. Throws what no waiting fixes: a spool or
/// configuration that is gone, a ledger that is damaged.
void follow(DrainRun& run);

}  // namespace walferry::drain
