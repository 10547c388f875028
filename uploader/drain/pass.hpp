#pragma once
#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/ledger.hpp"
#include "common/settings.hpp"
#include "uploader/drain/lane.hpp"
#include "uploader/drain/outcome.hpp"
#include "uploader/drain/task.hpp"
#include "uploader/drain/window.hpp"

namespace walferry {

/// Once over a list of spooled segments: workers check, compress and encrypt each, and offer it to the lanes
/// of the stores that need it. A lane that falls behind never holds up the others: what waits for it is
/// dropped when they starve, and is encoded anew in a later pass.
class Pass {
  public:
    struct Parts {
        const Settings& settings;
        const SpoolPaths& spool;
        Ledger& ledger;
        Outcome& outcome;
        Window& window;
        BlockPool& pool;
        const EncodeOptions& encoding;
        std::vector<std::unique_ptr<Lane>>& lanes;
        std::stop_token stop;
    };

    Pass(Parts parts, std::vector<Task*> tasks);
    /// Returns when every lane has done what it can, or soon after a request to stop.
    void run();

  private:
    void work();
    void handle(Task& task, SegmentEncoder& encoder);
    bool identify(Task& task, int fd);
    void adopt(Task& task, const std::string& fingerprint);
    std::shared_ptr<Encoding> encode(Task& task, int fd, SegmentEncoder& encoder, std::shared_ptr<void> room);
    bool make_room();
    void skip_all(Task& task, const std::vector<Need>& before);

    Parts parts_;
    std::vector<Task*> tasks_;
    std::atomic<std::size_t> next_ = 0;
    const std::string recipients_tag_;
};

}  // namespace walferry
