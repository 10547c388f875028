#pragma once
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/archive_view.hpp"
#include "common/os/durable_file.hpp"
#include "common/os/fd.hpp"
#include "common/program/fetch_channel.hpp"
#include "common/settings/settings.hpp"
#include "restore/fetch/segment_fetcher.hpp"

namespace walferry::fetch {

/// What walferry-archive-get leaves to a helper.
struct HelperPlace {
    FetchContext context;        // `way` is the helper's own
    Directory directory;         // pg_wal, where the files are made
    std::string data_directory;  // empty where it is not known
    Fd listening;
    std::optional<pid_t> server;  // the process whose end ends this one
};

/// Serves the walferry-archive-get calls of one recovery, and fetches ahead of them: after a hit the next
/// segments, each into a synced file without a name on pg_wal's filesystem, which is handed over when it is
/// asked for. So there is nothing that could be left behind, copied with the data directory or taken for
/// another cluster's. A segment that was asked for is kept until it is handed over, also where its caller did
/// not wait for the end of the transfer. Whatever it cannot do it says, and the caller does it itself.
class FetchHelper {
  public:
    FetchHelper(const Settings& settings, const archive::ViewOptions& options, const DecodeOptions& decoding,
                HelperPlace place);
    ~FetchHelper();

    /// Returns when nobody has asked for a minute, the server is gone, or something failed that a new helper
    /// may do better.
    void serve();

  private:
    using Time = std::chrono::steady_clock::time_point;

    struct Slot {
        enum class State { queued, running, ready };
        State state = State::queued;
        std::vector<Fd> callers;  // who waits for it
        bool asked = false;       // by a caller, who may have gone
        /// From where on it has to be zeroes, by what pg_wal said when it was asked for.
        std::optional<std::uint64_t> cut;
        Fd file;
        Time ready_since{};
        std::string said;
    };

    void leave();
    void take_request(Fd caller);
    void hand_over(const WalName& name, Slot& slot);
    bool is_kept(const Slot& slot) const;
    bool is_busy();
    void say_working();
    void answer_all(Slot& slot, fetch_channel::Answer answer, const std::string& said);
    void plan();
    void queue_next(const WalName& name);
    bool has_room() const;
    std::size_t reach() const;

    void work();
    std::optional<std::string> next_queued() const;
    void fetch(const std::string& name, SegmentFetcher& fetcher, std::unique_lock<std::mutex>& lock);
    bool note_absence(const std::string& name);
    void finished(const std::string& name, const Attempt& attempt, Fd file, std::string said);

    const Settings& settings_;
    archive::ArchiveView view_;
    const DecodeOptions& decoding_;
    const Directory directory_;
    const RecoveryWay way_;
    const FetchContext context_;
    const Fd listening_;
    const Fd server_;
    const mode_t mode_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Slot> slots_;
    std::optional<WalName> position_;  // the last one that was handed over
    std::uint64_t segment_size_ = 0;
    std::string probed_;  // what was not to be seen, and when it was looked for
    Time probed_at_{};
    struct Absence {
        Time first, last;
    };
    std::map<std::string, Absence> absences_;  // looked for, and found nowhere
    Time room_short_until_{};
    Time asked_at_;
    Time said_working_{};
    bool stale_ = false;  // a new helper may do better, once there is nothing here to lose
    bool leaving_ = false;
    std::vector<std::jthread> workers_;
};

}  // namespace walferry::fetch
