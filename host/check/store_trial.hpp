#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/settings/settings.hpp"
#include "common/store/object_store.hpp"

namespace walferry {
class S3Store;
}

namespace walferry::check {

/// A store with one connection, short limits, and a look at its clock.
class StoreTrial {
  public:
    /// Throws config when the credentials or the CA file cannot be used.
    StoreTrial(StoreSettings settings, StoreAccess access, std::chrono::milliseconds patience);

    ObjectStore& store() { return *store_; }
    /// See S3Store.
    std::optional<std::chrono::seconds> clock_ahead() const;

    /// Puts the trial's object below `root` (which ends in a slash) and gets it back. Returns its key; throws
    /// integrity where something else came back. An object that an earlier check could not remove serves for
    /// a day: a bucket that keeps versions would keep every one of them.
    std::string put_and_get(const std::string& root);
    /// False where the object of an earlier check served.
    bool has_put() const noexcept { return has_put_; }
    /// Removes it again: where the bucket keeps versions that version, so that nothing is left.
    void remove(const std::string& key);
    /// Throws integrity likewise.
    void get(const std::string& key);

  private:
    bool is_fresh(const std::string& key);
    void put(const std::string& key);

    S3Store* s3_ = nullptr;
    bool has_put_ = false;
    std::string version_;
    std::unique_ptr<ObjectStore> store_;
};

}  // namespace walferry::check
