#pragma once
#include <cstddef>
#include <string>

#include "common/store/object_store.hpp"

namespace walferry::archive {

/// An object that is stored as it is, whole. Throws integrity where it is larger than `most` bytes, of which
/// no more is read, or does not hash to `sha256`, of which the object's name holds the first digits; else
/// what the store throws.
std::string read_plain(ObjectStore& store, const std::string& key, const std::string& sha256,
                       std::size_t most);

}  // namespace walferry::archive
