#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "console/outcome.hpp"
#include "uploader/drain/lane.hpp"

namespace walferry::drain {

struct DrainOptions {
    std::chrono::seconds wait{0};          // for the lock, and for uploads that have to be tried again
    std::optional<std::size_t> limit;      // segments; what it leaves is no failure
    std::vector<std::string> only_stores;  // empty: all
    bool follow = false;                   // until asked to stop
};

/// What a progress display asks while a drain runs.
struct DrainView {
    std::size_t segments_total, segments_removed;
    std::uint64_t bytes_total, bytes_removed;
    struct Store {
        std::string name;
        Lane::View lane;
    };
    std::vector<Store> stores;
};

struct DrainResult {
    int exit_code = 0;
    std::uint64_t verified_uploads = 0, removed_segments = 0, removed_bytes = 0, adopted_segments = 0;
    std::size_t pending_segments = 0;  // still in the spool, of those this run was asked to take on
    std::chrono::milliseconds elapsed{0};
    std::vector<std::pair<std::string, std::string>> store_errors;  // name, last error
};

/// Empties the spool into the stores, once or, with `follow`, as long as it is let. Throws only when it
/// cannot begin (no spool, locked, configuration, broken ledger); everything after that is in the result and
/// in `outcome`. `watch` is called with a function that gives the current view while passes run, and with
/// null at the end.
class Drain {
  public:
    using Viewer = std::function<DrainView()>;
    using Watch = std::function<void(Viewer)>;
    /// Lets a display ask for as long as it lives, and not a moment longer, however the work ends.
    class Watched {
      public:
        Watched(const Watch& watch, Viewer viewer) : watch_(watch) { watch_(std::move(viewer)); }
        ~Watched() { watch_(nullptr); }
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;

      private:
        const Watch& watch_;
    };

    Drain(const Settings& settings, DrainOptions options, console::Outcome& outcome, std::stop_token stop);
    DrainResult run(const Watch& watch);

  private:
    const Settings& settings_;
    DrainOptions options_;
    console::Outcome& outcome_;
    std::stop_token stop_;
};

}  // namespace walferry::drain
