#pragma once
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "common/next_iterator.hpp"
#include "common/store/object_store.hpp"

namespace walferry {

/// The objects of a store whose keys start with `prefix` and sort after `start_after`, in the order of their
/// keys: as many pages as it takes, or `most_pages` of them, with one in memory. Each request throws what the
/// store throws.
///
///     for (const ObjectInfo& info : Listing(store, prefix)) …
class Listing {
  public:
    Listing(ObjectStore& store, std::string prefix, std::string start_after = {},
            int most_pages = std::numeric_limits<int>::max());

    /// nullptr at the end. What it points to is there until the next call.
    const ObjectInfo* next();
    /// What comes next is the first key that sorts after this one. For a folder of which no more is wanted:
    /// its path with '0' in place of the last '/', which sorts right behind it.
    void skip_past(std::string key);
    /// How many of `most_pages` were not asked for.
    int pages_left() const noexcept { return pages_left_; }

    NextIterator<Listing> begin() { return NextIterator<Listing>(this); }
    NextIterator<Listing> end() { return NextIterator<Listing>(nullptr); }

  private:
    ObjectStore& store_;
    const std::string prefix_;
    std::string after_;
    int pages_left_;
    ObjectPage page_{{}, true};
    std::size_t at_ = 0;
};

/// The names right below `root`, which ends with a slash: one request for each. Only those that sort after
/// `after`.
std::vector<std::string> list_folders(ObjectStore& store, const std::string& root,
                                      const std::string& after = {});

}  // namespace walferry
