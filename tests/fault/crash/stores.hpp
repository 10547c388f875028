#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "tests/fault/crash/world.hpp"

namespace walferry::crash {

/// What a store holds, read without the drain's help.
struct StoreContent {
    std::map<std::string, std::string> objects;  // by key; the bytes
    int left_over = 0;                           // temporary files of writers that are gone
};
StoreContent content_of(const StoreSettings& store);

/// A segment that an object holds. Throws std::runtime_error saying what is wrong with it: its bytes do not
/// hash to its name, or it cannot be opened.
struct Opened {
    std::string segment;  // name
    std::string bytes;
};
Opened open_object(const std::string& key, const std::string& bytes, const DecodeOptions& options);

}  // namespace walferry::crash
