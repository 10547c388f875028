#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "common/store/object_store.hpp"
#include "maintenance/expire/plan.hpp"

namespace walferry::expire {

/// Removes objects for good: in a bucket that keeps versions every version of them, one by one.
class Remover {
  public:
    /// `root`: below which all keys lie.
    Remover(std::function<std::unique_ptr<ObjectStore>()> open, const std::string& root, int connections,
            std::stop_token stop);

    ObjectStore& store() { return *connections_.front(); }
    /// False: the store did not let go of it.
    bool remove(const std::string& key, std::uint64_t size);
    /// Side by side. Throws the first error of a store; the rest was tried or not.
    void remove_all(const std::vector<std::pair<std::string, std::uint64_t>>& objects);

    Amount removed, locked;
    std::string locked_why;

  private:
    bool remove(ObjectStore& store, const std::string& key, std::uint64_t size);
    bool lets_nothing_go();
    std::uint64_t remove_versions(ObjectStore& store, const std::string& key);

    std::function<std::unique_ptr<ObjectStore>()> open_;
    std::vector<std::unique_ptr<ObjectStore>> connections_;
    const std::size_t most_connections_;
    const std::stop_token stop_;
    bool versions_ = false;
    std::mutex mutex_;  // of the amounts
};

}  // namespace walferry::expire
