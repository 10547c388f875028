#pragma once
#include <cstdint>
#include <string>

#include "common/store/object_store.hpp"

namespace walferry {

struct ReadBack {
    std::uint64_t size;
    std::string sha256;  // 64 hex digits
};

/// Reads an object whole and hashes what came.
ReadBack read_back(ObjectStore& store, const std::string& key);

}  // namespace walferry
