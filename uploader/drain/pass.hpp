#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "console/outcome.hpp"
#include "transfer/encoded_object.hpp"
#include "uploader/drain/lane.hpp"
#include "uploader/drain/task.hpp"

namespace walferry::drain {

/// Once over a list of spooled segments: workers check, compress and encrypt each, and offer it to the lanes
/// of the stores that need it. A lane that falls behind never holds up the others: what waits for it is
/// dropped when they starve, and is encoded again in a later pass.
class Pass {
  public:
    struct Parts {
        const Settings& settings;
        const SpoolPaths& spool;
        Ledger& ledger;
        console::Outcome& outcome;
        transfer::MemoryBudget& memory;
        const EncodeOptions& encoding;
        std::vector<std::unique_ptr<Lane>>& lanes;
        std::stop_token stop;
    };

    explicit Pass(Parts parts);
    ~Pass();
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

    /// Starts workers: as many as the settings say, and no more than there will be tasks.
    void begin(std::size_t tasks = SIZE_MAX);
    /// More to do; the tasks must outlive the pass.
    void add(const std::vector<Task*>& tasks);
    /// Whether everything that was added is done, as far as it can be.
    bool idle() const;
    /// Nothing more is added. Returns when every lane has done what it can, or soon after a request to stop.
    void finish();

  private:
    void work();
    Task* next();
    void handle(Task& task, transfer::ObjectEncoder& encoder);
    bool identify(Task& task, int fd);
    void remember_history(const Task& task, int fd);
    void adopt(Task& task, const std::string& fingerprint);
    std::shared_ptr<transfer::EncodedObject> encode(const Task& task, int fd,
                                                    transfer::ObjectEncoder& encoder);
    void note_facts(const Task& task, const std::optional<WalFacts>& facts);
    bool make_room();
    void skip_all(Task& task, const std::vector<Need>& before);

    Parts parts_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Task*> tasks_;
    std::size_t at_work_ = 0;
    bool open_ = true;
    std::vector<std::jthread> workers_;
};

}  // namespace walferry::drain
