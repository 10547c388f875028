#pragma once
#include <map>
#include <string>

#include "tests/fault/crash/touch.hpp"

namespace walferry::crash {

/// How threads run. in_turn: no call that counts begins before the one before it has ended, so that right
/// after a call and before the next one are the same moment, and positions are nearly the same in every run.
enum class Threads { in_turn, freely };

/// Numbers the calls that count, from 1, as they begin.
class Counter {
  public:
    Counter(Touch touch, Threads threads) : touch_(std::move(touch)), threads_(threads) {}

    struct Counted {
        unsigned number = 0;  // 0: waits for its turn
        std::string text;
    };

    /// The call, if it counts and need not wait. Otherwise nullptr, and what to tell the tracer.
    const Counted* look(const Call& call, Verdict& verdict);
    unsigned count() const { return count_; }

  private:
    Touch touch_;
    Threads threads_;
    std::map<pid_t, Counted> calls_;
    Counted ended_;
    unsigned count_ = 0;
    bool busy_ = false;
};

}  // namespace walferry::crash
