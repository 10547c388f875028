#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/error.hpp"
#include "common/store/object_store.hpp"
#include "maintenance/sync/missing_objects.hpp"
#include "transfer/fetched_object.hpp"
#include "transfer/memory_budget.hpp"

namespace walferry::sync {

/// Brings objects into one store, several at a time: fetched whole from a store that has each, hashed to its
/// name, put, read back and compared. One that cannot be brought holds up no other; a destination that cannot
/// take anything ends it.
class Copier {
  public:
    /// A store of which each worker opens a connection of its own.
    struct Way {
        std::string name;
        std::string root;
        std::function<std::unique_ptr<ObjectStore>(const std::stop_token&)> open;
    };
    struct Options {
        int workers = 1;
        std::uint64_t memory = std::uint64_t{128} << 20;
        std::string work_dir;  // for objects that do not fit into memory
        std::stop_token stop;
        std::function<void(const Missing&)> brought = {};  // after each; one at a time
    };
    /// What became of it.
    struct Done {
        Amount brought;
        std::vector<std::string> damaged;  // objects that no store has sound, a line each
        std::vector<std::string> failed;   // that no store gave or the destination did not take
        std::optional<Error> ended;        // why nothing more was tried
    };

    /// `ways`: by the number of the place; the first is the destination.
    Copier(std::vector<Way> ways, Options options);
    ~Copier();

    /// Waits while enough is queued. False when it has ended.
    bool bring(Missing missing);
    /// Waits until all that was queued is done.
    void settle();
    /// Of that backup something could not be brought: what makes it exist must not be put.
    bool lacks_part(const std::string& backup) const;
    Amount brought() const;
    Done done() const;

  private:
    void work(const std::stop_token& ended);
    void copy(std::vector<std::unique_ptr<ObjectStore>>& connections, const Missing& missing,
              const std::stop_token& ended);
    std::unique_ptr<transfer::FetchedObject> fetch(std::vector<std::unique_ptr<ObjectStore>>& connections,
                                                   const Missing& missing, const std::stop_token& ended);
    ObjectStore& connection(std::vector<std::unique_ptr<ObjectStore>>& connections, std::size_t place);
    void fail(const Missing& missing, std::vector<std::string>& list, const std::string& line);
    void end(const Error& why);

    const std::vector<Way> ways_;
    const Options options_;
    transfer::MemoryBudget memory_;
    std::stop_source stop_;
    const std::stop_callback<std::function<void()>> asked_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Missing> queue_;
    std::size_t under_way_ = 0;
    Done done_;
    std::set<std::string> lacking_;  // backups
    std::vector<std::jthread> workers_;
};

}  // namespace walferry::sync
