#pragma once
#include <stop_token>
#include <thread>

namespace walferry::console {

/// A reader that went away and a limit on file sizes become errors to report. The ledger's -shm is mapped
/// into memory: cut short by somebody, or on a full disk, it ends the process with a line that says so and
/// the exit code of a failure; what was not recorded by then is done again by the next run. So does an
/// exception that nothing can catch: without memory, reporting one throws the next.
void prepare_signals() noexcept;

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

}  // namespace walferry::console
