#pragma once
#include <string>
#include <utility>
#include <vector>

#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// Which WAL has left a store because the retention did not keep it: what `walferry expire` wrote down there
/// before it removed any. It is not missing.
class ExpiredWal {
  public:
    ExpiredWal() = default;
    /// Reads expired/. Throws what the store throws; a record that does not count says nothing.
    ExpiredWal(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
               const std::vector<std::string>& trusted_writers);

    /// `name`: of a WAL file, or how its object's begins.
    bool covers(const std::string& name) const;
    /// First and last segment of each, as the records say it.
    const std::vector<std::pair<std::string, std::string>>& runs() const noexcept { return runs_; }
    const std::vector<std::string>& keys() const noexcept { return keys_; }

  private:
    std::vector<std::pair<std::string, std::string>> runs_;
    std::vector<std::string> keys_;  // of the records
};

}  // namespace walferry::archive
