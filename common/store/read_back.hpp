#pragma once
#include <cstdint>
#include <string>

#include "common/store/object_store.hpp"

namespace walferry {

struct ReadBack {
    std::uint64_t size;
    std::string sha256;    // 64 hex digits; empty when there was more than was asked for
    std::string checksum;  // XXH3-128; empty likewise
};

/// Reads an object whole and hashes what came. One that is longer than `longest`, or says so, is not read on.
ReadBack read_back(ObjectStore& store, const std::string& key, std::uint64_t longest);

}  // namespace walferry
