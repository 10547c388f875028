#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "console/outcome.hpp"

namespace walferry::rebuild {

struct RebuildOptions {
    bool anew = false;  // also where the ledger is sound
};

struct RebuildResult {
    std::string reason;                  // why the old one was set aside; "" when it was not
    std::vector<std::string> set_aside;  // where its files are now
    std::size_t spooled = 0;             // segments in the spool that the ledger did not know
    std::size_t listed = 0;              // uploads that it learned of from listings
    std::size_t backups = 0;             // copies of backups that it learned of from their indexes
    std::size_t lost = 0;                // uploads that were verified and that the store has lost
    int conflicts = 0;                   // found now, and not settled
    std::vector<std::string> unlisted;   // stores that could not be listed
};

/// Recreates a lost or damaged ledger from the spool and the stores' listings, under the spool's lock; adds
/// to a sound one what they know beside it. Uploads that a listing shows become `stored`: they permit no
/// deletion, because a listing does not prove who put an object. A damaged ledger is renamed, never deleted.
/// Can be interrupted anywhere and run again. Throws when it cannot begin; what happens after that is in
/// `outcome` too. `say_progress` gets a text to show.
RebuildResult rebuild_ledger(const Settings& settings, const RebuildOptions& options,
                             console::Outcome& outcome, const std::stop_token& stop,
                             const std::function<void(const std::string&)>& say_progress);

}  // namespace walferry::rebuild
