#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "maintenance/expire/stored_cluster.hpp"

namespace walferry::expire {

/// The marks of a store, as one run may use them.
class Marked {
  public:
    /// `policy`: of this run. Marks by another policy, and those that do not count, mark nothing for it.
    Marked(const StoredCluster& cluster, const std::string& policy);

    /// The mark says this of something that came into the store before it was made.
    bool covers(std::size_t mark, const Backup& backup) const;
    bool covers(std::size_t mark, const WalFile& file) const;
    bool covers(std::size_t mark, const StoredObject& object) const;

    /// From here on it marks nothing: what it covers is to stay.
    void withdraw(std::size_t mark);

    /// The oldest mark that this run may use; nullopt where there is none.
    template <class Thing>
    std::optional<std::size_t> find(const Thing& thing) const {
        for (const std::size_t mark : usable_) {
            if (covers(mark, thing)) return mark;
        }
        return std::nullopt;
    }

  private:
    const StoredCluster& cluster_;
    std::vector<std::size_t> usable_;  // the oldest first
};

}  // namespace walferry::expire
