#pragma once
#include <string>
#include <vector>

#include "host/setup/store_choice.hpp"

namespace walferry::setup {

/// The folder of keys beside the configuration, made for root alone.
class KeyFolder {
  public:
    /// Makes `folder` (0755) and its "credentials" (0700) where they are missing. Throws io.
    explicit KeyFolder(const std::string& folder);

    /// What the configuration calls a store's keys: "credentials/CLUSTER-STORE".
    static std::string store_keys_name(const std::string& cluster, const StoreChoice& store);

    /// What it calls the copy of a store's authority: "CLUSTER-STORE.ca.pem".
    static std::string authority_name(const std::string& cluster, const StoreChoice& store);

    /// Copies the authority's certificate. Throws config where that is none, or another one is there.
    void take_authority(const std::string& cluster, const StoreChoice& store);

    /// Takes over a store's keys, or asks for them; some that are there already stay. Throws usage where
    /// there is nobody to ask, config where others are there.
    void take_store_keys(const std::string& cluster, const StoreChoice& store);

    /// Makes the writer's key where there is none; its name for the configuration, and the public half.
    std::pair<std::string, std::string> writer_key();

    /// A line for each file that was made.
    const std::vector<std::string>& made() const noexcept { return made_; }

  private:
    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    std::string folder_;
    std::vector<std::string> made_;
};

/// The certificates in a file that somebody names. Throws config for a file without any.
std::string read_authority(const std::string& file);

/// The public key of the identity in that file.
std::string recipient_of_identity(const std::string& file);
/// The same, of one that is made when there is none.
std::string recipient_of_new_identity(const std::string& file);

}  // namespace walferry::setup
