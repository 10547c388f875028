#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "archive/archived_forks.hpp"

namespace walferry::archive {

/// A name that stands for several contents in the stores.
struct NamedContents {
    std::string name;                                          // a WalName's text
    std::map<std::string, std::vector<std::size_t>> contents;  // by fingerprint: the stores that have it
};

/// Goes through all of the WAL in the stores, side by side in the order of names, and keeps nothing but what
/// it finds. `show` is told how many objects were seen. Throws what a store throws.
std::vector<NamedContents> find_several_contents(const std::vector<AskedStore>& stores,
                                                 const std::function<void(std::size_t)>& show);

}  // namespace walferry::archive
