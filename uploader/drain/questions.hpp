#pragma once
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/spool_paths.hpp"
#include "console/outcome.hpp"

namespace walferry::drain {

/// What a drain asks the stores beside its work. Each round is a thread with a ledger connection and store
/// connections of its own. It is waited for, but not for long, and shorter when a file appears in the spool;
/// one that does not end even when it is asked to, because a directory's filesystem hangs, is left behind.
/// From then on, and until it has ended, a store is asked only after it has answered a listing.
class Questions {
  public:
    /// All must outlive it.
    Questions(const Settings& settings, const SpoolPaths& spool, console::Outcome& outcome,
              std::stop_token stop);
    ~Questions();

    using Report = std::function<void(int exit_code, const std::string& line)>;
    using Ask = std::function<void(const Settings&, Ledger&, const Report&, const std::stop_token&)>;
    /// False where there is no store to ask. Throws what `ask` throws while it is waited for. `ask` keeps
    /// nothing of the caller's by reference: it may outlive it. What a round reports that was left behind is
    /// told when it has ended.
    bool ask(std::vector<StoreSettings> stores, Ask ask);

  private:
    struct Round;
    struct Trial;

    void reap();
    bool answers(const StoreSettings& store);
    bool wait_for(const Round& round) const;

    const Settings& settings_;
    const SpoolPaths& spool_;
    console::Outcome& outcome_;
    const std::stop_token stop_;
    std::vector<std::shared_ptr<Round>> left_behind_;
    std::map<std::string, std::shared_ptr<Trial>> trials_;  // by store, those that have not ended
};

}  // namespace walferry::drain
