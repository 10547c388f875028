#pragma once
#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "common/next_iterator.hpp"
#include "common/store/listing.hpp"
#include "common/store/object_name.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

/// The object of a WAL file, as a listing shows it.
struct WalObject {
    ObjectInfo info;
    ObjectName object;
    WalName name;
};

/// The WAL files of one timeline's folder in a store, in the order of their names; other keys are skipped.
/// Throws what the store throws.
class WalObjects {
  public:
    /// `prefix` is what ObjectKeys::wal_directory() gives, or that and how a name begins; `start_after` a key
    /// there, or where one would be.
    WalObjects(ObjectStore& store, const std::string& prefix, std::string start_after = {},
               int most_pages = std::numeric_limits<int>::max());

    /// nullptr at the end. What it points to is there until the next call.
    const WalObject* next();
    int pages_left() const noexcept { return listing_.pages_left(); }

    NextIterator<WalObjects> begin() { return NextIterator<WalObjects>(this); }
    NextIterator<WalObjects> end() { return NextIterator<WalObjects>(nullptr); }

  private:
    const std::size_t folder_;  // its length, with the slash
    Listing listing_;
    std::optional<WalObject> now_;
};

/// The first segment, whole or partial, whose key sorts after `start_after`; nullopt where there is none.
std::optional<WalName> first_with_header(ObjectStore& store, const std::string& directory,
                                         const std::string& start_after = {});

}  // namespace walferry::archive
