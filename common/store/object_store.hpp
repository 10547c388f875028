#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.hpp"
#include "common/clock.hpp"
#include "common/settings/settings.hpp"
#include "common/store/body.hpp"

namespace walferry {

/// What a store needs to send a body in one piece, computed while the body was made.
struct BodyDigest {
    std::array<std::byte, 32> sha256;
};

struct ObjectInfo {
    std::string key;
    std::uint64_t size = 0;
    std::optional<WallTime> modified = {};  // by the store's clock; nullopt where it did not say
};

struct ObjectPage {
    std::vector<ObjectInfo> objects;  // in ascending byte order of their keys
    bool more = false;                // keys follow after the last one here
};

/// Of an object in a bucket that keeps versions: one of them, or a marker by which it counts as deleted.
struct ObjectVersion {
    std::string key;
    std::string id;  // empty: the store keeps no versions, and the key is all that names it
    std::uint64_t size = 0;
    std::optional<WallTime> modified = {};
    bool latest = true;  // what get() gives
    bool delete_marker = false;
};

struct VersionPage {
    std::vector<ObjectVersion> versions;  // ascending by key
    bool more = false;
    std::string next_key = {}, next_id = {};  // where the next page begins, for list_versions()
};

enum class PutResult { stored, already_there };

/// Takes an object as it arrives. begin() is called before the first byte of every attempt and throws away
/// what an earlier attempt has delivered.
class Receiver {
  public:
    virtual ~Receiver() = default;
    virtual void begin() = 0;
    /// How long the object is by the store's word, where it gives one; may throw to have nothing of it.
    virtual void announced(std::uint64_t /*length*/) {}
    virtual void write(Bytes bytes) = 0;
};

/// A place for objects. Keys are slash-separated paths of printable ASCII without "." and ".." parts.
///
/// Every operation may be repeated safely:
/// - put under a key that exists with the same bytes is success (already_there where the store can tell);
///   a caller never puts other bytes under a key, because the key holds their hash. A put that failed may
///   still have stored its object.
/// - remove of a missing key is success.
/// Errors: kinds from unreachable to rejected in error.hpp; traits().retryable() tells a passing one from a
/// permanent one. `interrupted` when the stop token given to open_store() asked for it.
/// Every call returns or throws within the limits of StoreSettings. One thread uses an object at a time.
class ObjectStore {
  public:
    virtual ~ObjectStore() = default;
    virtual PutResult put(const std::string& key, const Body& body, const BodyDigest& digest) = 0;
    /// Delivers the whole object; throws not_found where there is none, and on a length other than the
    /// store announced. The caller checks content.
    virtual void get(const std::string& key, Receiver& receiver) = 0;
    /// Delivers the bytes from `offset` on, `length` of them or as many as there are; announces nothing.
    /// Throws not_found where there is no such object, and rejected where the store does not give parts, or
    /// has no byte there.
    virtual void get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                           Receiver& receiver) = 0;
    /// nullopt where the store answered that there is no such object.
    virtual std::optional<ObjectInfo> head(const std::string& key) = 0;
    /// Up to 1000 keys that start with `prefix` and sort after `start_after` (may be empty).
    virtual ObjectPage list(const std::string& prefix, const std::string& start_after) = 0;
    /// In a bucket that keeps versions this hides the object behind a delete marker and frees nothing.
    virtual void remove(const std::string& key) = 0;

    /// Like list(), with every version. Both arguments that say where to begin are empty, or what the page
    /// before gave. A store that keeps no versions, or cannot list them, gives its objects without an id.
    virtual VersionPage list_versions(const std::string& prefix, const std::string& key_marker,
                                      const std::string& id_marker);
    /// Removes that version for good, and nothing else. Without an id the same as remove().
    virtual void remove_version(const std::string& key, const std::string& id);
    /// By how much the store's clock was ahead of this host's when it answered last; nullopt before that, and
    /// where it has none.
    virtual std::optional<std::chrono::seconds> clock_ahead() const { return std::nullopt; }
    /// A put that takes the key from an object with other bytes: only for one that does not hash to its name,
    /// and with bytes that do. There is a whole object under the key at any time.
    virtual void replace(const std::string& key, const Body& body, const BodyDigest& digest) {
        put(key, body, digest);
    }
};

enum class StoreAccess { write, restore };  // which credentials file is read

/// Shared by every connection to one store: opens after failures in a row, so that a dead store costs a run
/// seconds and not minutes a segment. Thread-safe. See retry.hpp.
class Breaker;

/// A store with retries (attempts, full jitter, Retry-After) as its settings say. Throws config when
/// credentials or the CA file cannot be used. `stop` ends waits and transfers early.
std::unique_ptr<ObjectStore> open_store(const StoreSettings& settings, StoreAccess access,
                                        std::shared_ptr<Breaker> breaker = nullptr,
                                        std::stop_token stop = {});

}  // namespace walferry
