#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "uploader/drain/drain.hpp"

namespace walferry::drain {

/// A line on the terminal that is rewritten while something takes long. Lines for people go above it. Without
/// a terminal there are only those.
class Progress {
  public:
    /// Makes the line: how long it has been shown, and the characters there are.
    using Line = std::function<std::string(std::chrono::milliseconds elapsed, std::size_t width)>;

    explicit Progress(bool on_terminal);
    ~Progress();

    /// Shows a line for as long as it lives.
    class Shown {
      public:
        Shown(Progress& progress, Line line) : progress_(progress) { progress_.show(std::move(line)); }
        ~Shown() { progress_.show(nullptr); }
        Shown(const Shown&) = delete;
        Shown& operator=(const Shown&) = delete;

      private:
        Progress& progress_;
    };

    /// A Drain::Watch: segments, bytes, rate, time left, and how each store is doing.
    void watch(Drain::Viewer viewer);
    /// A line of its own on stderr.
    void say(const std::string& line);

  private:
    void show(Line line);
    void redraw();
    void erase();

    const bool on_terminal_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    Line line_;
    std::chrono::steady_clock::time_point started_;
    std::size_t drawn_ = 0;  // characters on the line
    std::jthread painter_;
};

/// Pure: what the line says.
std::string progress_line(const DrainView& view, std::chrono::milliseconds elapsed, std::size_t width);

}  // namespace walferry::drain
