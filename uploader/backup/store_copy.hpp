#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/backup_name.hpp"
#include "transfer/encoded_object.hpp"

namespace walferry::backup {

/// The copy of a backup in one store, independent of the others': a queue of objects and the threads that put
/// each one, read it back whole and compare. A backup is there only with all of its pieces, so the first one
/// that cannot be stored ends this copy: the store is given up for this backup.
class StoreCopy {
  public:
    struct Parts {
        StoreSettings settings;
        ObjectKeys keys;
        BackupId id;
        int connections;
        std::stop_token stop;
        std::function<void(const StoreCopy&)> given_up;  // called once, from any thread
        /// One connection; null: to the store of `settings`.
        std::function<std::unique_ptr<ObjectStore>(const std::stop_token&)> open = {};
        std::chrono::milliseconds pause{1'000};  // before an object is read a second time
    };

    explicit StoreCopy(Parts parts);
    ~StoreCopy();

    void offer(std::shared_ptr<const transfer::EncodedObject> part);
    /// Waits until everything that was offered is verified. False when it was given up.
    bool complete();
    /// Puts one object, reads it back and compares; after complete(). Throws.
    void put_verified(const transfer::Outgoing& object);
    /// A connection for questions, after complete().
    ObjectStore& store() { return connection(0); }
    /// Waits, after give_up(), until no request is under way.
    void settle();
    /// Leaves off: what is queued is dropped.
    void give_up(const Error& reason);

    bool usable() const;
    std::optional<Error> reason() const;   // why it was given up
    std::uint64_t verified_bytes() const;  // of the backup, before encoding
    const StoreSettings& settings() const noexcept { return parts_.settings; }
    const ObjectKeys& keys() const noexcept { return parts_.keys; }
    std::string key(const ObjectName& name) const { return parts_.keys.backup(parts_.id, name); }
    /// Of what lies in the backup's folder under that name.
    std::string key(const std::string& name) const { return parts_.keys.backup_directory(parts_.id) + name; }

  private:
    void work(const std::stop_token& ended, std::size_t number);
    ObjectStore& connection(std::size_t number);
    void put_verified(ObjectStore& store, const transfer::Outgoing& object);

    Parts parts_;
    std::stop_source stop_;  // of this copy's requests
    const std::stop_callback<std::function<void()>> all_stop_;

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::shared_ptr<const transfer::EncodedObject>> queue_;
    std::size_t under_way_ = 0;
    std::uint64_t verified_bytes_ = 0;
    std::optional<Error> reason_;
    std::vector<std::unique_ptr<ObjectStore>> connections_;
    std::vector<std::jthread> threads_;
};

}  // namespace walferry::backup
