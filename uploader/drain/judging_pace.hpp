#pragma once
#include <chrono>
#include <cstdint>
#include <vector>

#include "common/ledger/ledger.hpp"

namespace walferry::drain {

/// When a drain asks the stores what several contents of a name are: at once for a new one, after a minute
/// while one is open, and after an hour where the rest were only not compared, because that needs an identity
/// or a history which this host may never see.
class JudgingPace {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// `rows`: what there is to judge.
    bool is_due(const std::vector<ConflictRow>& rows, Time now) const;
    void asked(const std::vector<ConflictRow>& rows, Time now);

  private:
    std::int64_t newest_ = 0;  // that was asked about
    Time again_{};
};

}  // namespace walferry::drain
