#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace walferry::console {

/// What a run has achieved and what went wrong; every thread adds to it.
class Outcome {
  public:
    /// `say` gets each line for people as it comes (the progress line has to make room for it).
    explicit Outcome(std::function<void(const std::string&)> say);

    /// Something a person should know, with the exit code it calls for (0: a remark). A line is said once a
    /// run.
    void report(int exit_code, const std::string& line);
    /// All is well again: forgets what waiting has fixed (anything but a question of integrity), and which
    /// lines were said.
    void forgive();
    /// Nothing is pending: whatever was incomplete for a while no longer is.
    void complete();
    /// From now on every line is said once more.
    void say_again();
    /// Without a line of its own: what caused it was reported.
    void raise(int exit_code);
    int exit_code() const noexcept { return exit_code_; }
    /// The first line that called for an exit code; "" when all went well.
    std::string first_problem() const;

    std::atomic<std::uint64_t> verified_uploads = 0;
    std::atomic<std::uint64_t> removed_segments = 0;
    std::atomic<std::uint64_t> removed_bytes = 0;
    std::atomic<std::uint64_t> adopted_segments = 0;
    std::atomic<std::uint64_t> encoded_bytes = 0;  // of segments, before compression

  private:
    std::function<void(const std::string&)> say_;
    mutable std::mutex mutex_;
    std::map<std::string, int> said_;
    std::string first_problem_;
    std::atomic<int> exit_code_ = 0;
};

}  // namespace walferry::console
