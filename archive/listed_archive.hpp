#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// Segment names of one cluster, as far as they tell how large its segments are.
class SegmentSizeGuess {
  public:
    /// In the order of their names.
    void see(const WalName& name);
    /// The size at which the last name of one log file is followed by the first of the next one; else 16 MiB,
    /// or the largest that the highest number fits.
    std::uint64_t size() const;

  private:
    std::optional<WalName> last_;
    std::optional<std::uint64_t> seen_;
    std::uint32_t highest_ = 0;
};

/// What the listings of one archive, PREFIX/CLUSTER/ in any number of stores, tell together.
struct ListedArchive {
    std::map<std::uint64_t, SegmentSizeGuess> segment_sizes;  // by system identifier
    std::set<std::uint64_t> settled_in;                       // clusters with settlements in them
    std::size_t objects = 0;
};

/// Lists everything there is under PREFIX/CLUSTER/, skipping what is not WAL. `take` gets the WAL objects, up
/// to a thousand at a time. Throws what the store throws.
void list_archive(ObjectStore& store, const std::string& prefix, const std::string& cluster,
                  ListedArchive& archive, const std::function<void(const std::vector<ListedObject>&)>& take);

}  // namespace walferry::archive
