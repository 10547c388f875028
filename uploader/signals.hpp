#pragma once
#include <stop_token>
#include <thread>

namespace walferry {

/// Turns the first SIGINT, SIGTERM or SIGHUP into a request to stop; a second one ends the process the hard
/// way. Make it before any other thread, so that all of them inherit the blocked signals.
class StopOnSignal {
  public:
    StopOnSignal();
    ~StopOnSignal();
    std::stop_token token() const { return source_.get_token(); }

  private:
    std::stop_source source_;
    std::jthread waiter_;
};

}  // namespace walferry
