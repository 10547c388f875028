#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "uploader/drain/drain.hpp"

namespace walferry {

/// A line on the terminal that is rewritten while a drain runs: segments, bytes, rate, time left, and how
/// each store is doing. Lines for people go above it. Without a terminal there are only those.
class Progress {
  public:
    explicit Progress(bool on_terminal);
    ~Progress();

    /// A Drain::Watch.
    void watch(Drain::Viewer viewer);
    /// A line of its own on stderr.
    void say(const std::string& line);

  private:
    void redraw();
    void erase();

    const bool on_terminal_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    Drain::Viewer viewer_;
    std::chrono::steady_clock::time_point started_;
    std::size_t drawn_ = 0;  // characters on the line
    std::jthread painter_;
};

/// Pure: what the line says.
std::string progress_line(const DrainView& view, std::chrono::milliseconds elapsed, std::size_t width);

}  // namespace walferry
