#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "tests/fake_store.hpp"

namespace walferry::test {

/// One FakeStore with several connections, one call at a time.
class SharedFakeStore {
  public:
    std::unique_ptr<ObjectStore> connect(const std::stop_token& stop) {
        return std::make_unique<Connection>(*this, stop);
    }
    /// Looks at the store, or changes it, while connections use it.
    template <typename Look>
    auto with(Look look) {
        const std::lock_guard lock(mutex_);
        return look(store_);
    }
    /// Without the lock, with the connection's request to stop: may wait, and may throw.
    std::function<void(const std::string&, const std::stop_token&)> before_put =
        [](const std::string&, const std::stop_token&) {};

  private:
    class Connection : public ObjectStore {
      public:
        Connection(SharedFakeStore& shared, std::stop_token stop) : shared_(shared), stop_(std::move(stop)) {}
        PutResult put(const std::string& key, const Body& body, const BodyDigest& digest) override {
            shared_.before_put(key, stop_);
            if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
            return shared_.with([&](FakeStore& store) { return store.put(key, body, digest); });
        }
        void get(const std::string& key, Receiver& receiver) override {
            shared_.with([&](FakeStore& store) { store.get(key, receiver); });
        }
        void get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                       Receiver& receiver) override {
            shared_.with([&](FakeStore& store) { store.get_range(key, offset, length, receiver); });
        }
        std::optional<ObjectInfo> head(const std::string& key) override {
            return shared_.with([&](FakeStore& store) { return store.head(key); });
        }
        ObjectPage list(const std::string& prefix, const std::string& start_after) override {
            return shared_.with([&](FakeStore& store) { return store.list(prefix, start_after); });
        }
        void remove(const std::string& key) override {
            shared_.with([&](FakeStore& store) { store.remove(key); });
        }

      private:
        SharedFakeStore& shared_;
        const std::stop_token stop_;
    };

    std::mutex mutex_;
    FakeStore store_;
};

}  // namespace walferry::test
