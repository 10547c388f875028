#pragma once
#include <string>
#include <vector>

#include "common/settings/settings.hpp"

namespace walferry::setup {

/// A store as somebody names it to setup; only what cannot be told from the rest is asked for.
struct StoreChoice {
    std::string name;
    StoreType type = StoreType::s3;
    std::string endpoint, region, bucket, prefix;  // s3
    std::string ca_file;
    std::string keys_from;  // a file with the store's keys, to be taken over; may be empty
    std::string path;       // directory
};

/// NAME=https://HOST/BUCKET[/PREFIX], with a port where there is one. Throws usage.
StoreChoice parse_s3_choice(const std::string& text);
/// NAME=/PATH. Throws usage.
StoreChoice parse_directory_choice(const std::string& text);

/// The region that an endpoint's name tells: R2's is always "auto", and most others say it in the host's
/// name. "us-east-1", which servers without regions take, where it tells none.
std::string region_of(const std::string& endpoint);

/// NAME=VALUE for one of the stores. Throws usage when none is called so.
std::pair<StoreChoice*, std::string> for_store(std::vector<StoreChoice>& stores, const std::string& option,
                                               const std::string& text);

/// The [[store]] of the configuration. `credentials_file` is relative.
ChosenStore chosen_store(const StoreChoice& store, const std::string& credentials_file);

}  // namespace walferry::setup
