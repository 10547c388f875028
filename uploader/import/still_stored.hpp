#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_store.hpp"

namespace walferry::importing {

/// Whether the stores still show what this host has put into each of them and read back.
class StillStored {
  public:
    StillStored(const Settings& settings, std::stop_token stop);
    ~StillStored();

    /// False also when anything keeps it from being seen; the first such trouble is kept.
    bool shows(std::uint64_t system_identifier, const std::string& name, const std::string& fingerprint);
    const std::string& trouble() const noexcept { return trouble_; }

  private:
    bool shows_in(std::size_t store, std::uint64_t system_identifier, const std::string& name,
                  const std::string& key);

    const Settings& settings_;
    const std::stop_token stop_;
    std::unique_ptr<Ledger> ledger_;
    std::vector<StoreRow> stores_;
    std::vector<std::unique_ptr<ObjectStore>> connections_;  // in the order of settings
    std::string trouble_;
};

}  // namespace walferry::importing
