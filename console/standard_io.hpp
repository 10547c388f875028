#pragma once
#include "common/bytes.hpp"
#include "common/sink.hpp"

namespace walferry::console {

/// Fills `out` from standard input; returns less than out.size() only at its end. Throws io.
std::size_t read_standard_input(MutableBytes out);

/// Writes to standard output, unbuffered, so that every failure shows at once. Throws io or no_space.
class StandardOutput : public Sink {
  public:
    void write(Bytes bytes) override;
    /// Also learns of what a network filesystem reports only when a file is closed.
    void finish() override;
    bool used() const noexcept { return used_; }

  private:
    bool used_ = false;
};

/// Passes all of standard input to `sink` and finishes it.
void pump_standard_input(Sink& sink);

}  // namespace walferry::console
