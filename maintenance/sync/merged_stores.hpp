#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/store/object_store.hpp"

namespace walferry::sync {

/// One cluster in one store.
struct Place {
    std::string name;
    ObjectStore* store = nullptr;
    std::string root;  // PREFIX/CLUSTER/SYSID/
};

/// An object as several stores show it together.
struct Held {
    std::string tail;  // its key below the cluster's root, which is the same in every store
    std::uint64_t size = 0;
    std::optional<WallTime> modified;  // where it was seen first
    std::vector<std::size_t> places;   // that have it, ascending
    bool in(std::size_t place) const noexcept;
};

struct HeldPage {
    std::vector<Held> objects;  // ascending
    bool more = false;
};

/// Several stores read as one, under the first one's root: each key once. It is listed and read only. Of the
/// marks for removal only the first store's are shown, because they belong to one store.
class MergedStores : public ObjectStore {
  public:
    explicit MergedStores(std::vector<Place> places) : places_(std::move(places)) {}

    /// A thousand keys of each store at the most, as far as all of them have told.
    HeldPage held(const std::string& prefix, const std::string& start_after);
    const std::vector<Place>& places() const noexcept { return places_; }

    PutResult put(const std::string& key, const Body& body, const BodyDigest& digest) override;
    void get(const std::string& key, Receiver& receiver) override;
    void get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                   Receiver& receiver) override;
    std::optional<ObjectInfo> head(const std::string& key) override;
    ObjectPage list(const std::string& prefix, const std::string& start_after) override;
    void remove(const std::string& key) override;

  private:
    std::string tail(const std::string& key) const;
    ObjectPage page_of(const Place& place, const std::string& prefix, const std::string& start_after) const;
    void from_any(const std::string& key, const std::function<void(ObjectStore&, const std::string&)>& get);

    std::vector<Place> places_;
};

}  // namespace walferry::sync
