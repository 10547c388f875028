#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/os/durable_file.hpp"
#include "common/os/os.hpp"
#include "common/store/directory_listing.hpp"
#include "common/store/object_store.hpp"

namespace walferry {

/// A directory, such as a mounted NAS, as a store: a key is a path below it. Objects appear whole, durable
/// and never in place of another. Names that begin with a dot are no objects.
///
/// The directory itself is never made: where it is missing, something that should be mounted is not.
class DirectoryStore : public ObjectStore {
  public:
    DirectoryStore(StoreSettings settings, std::stop_token stop);

    /// Throws conflict when there is an object of that key with other bytes.
    PutResult put(const std::string& key, const Body& body, const BodyDigest& digest) override;
    /// Asks the system to forget what it has cached first, so that what is read is what the medium holds.
    void get(const std::string& key, Receiver& receiver) override;
    void get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                   Receiver& receiver) override;
    std::optional<ObjectInfo> head(const std::string& key) override;
    ObjectPage list(const std::string& prefix, const std::string& start_after) override;
    void remove(const std::string& key) override;
    void replace(const std::string& key, const Body& body, const BodyDigest& digest) override;

  private:
    void read(const char* verb, const std::string& key, std::uint64_t from, std::uint64_t length,
              Receiver& receiver);
    Directory open_root() const;
    Fd open_object(const Directory& directory, const std::string& name) const;
    bool holds(int fd, const std::string& shown, const Body& body) const;
    void confirm(const Directory& directory, const std::string& name, int fd, const Body& body) const;
    void write(DurableFile& file, const Body& body) const;
    PublishResult publish(DurableFile& file, const Directory& directory) const;
    void remove_empty_folder(std::vector<std::string> directories) const;
    void check_stop() const;
    /// Runs the operation and says of its errors what they mean for a store.
    void translated(const char* verb, const std::string& what, const std::function<void()>& operation) const;

    StoreSettings settings_;
    std::stop_token stop_;
    LargeDirectory large_;
    bool tidied_ = false;
};

}  // namespace walferry
