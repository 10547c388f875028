#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "common/codec/segment_codec.hpp"
#include "common/store/object_store.hpp"
#include "maintenance/verify/pace.hpp"

namespace walferry::verify {

/// What reading an object has shown.
struct Checked {
    enum class Condition {
        sound,
        damaged,  // twice: other bytes than its name says, or none although it is listed
        invalid,  // its bytes hash to its name, and cannot be opened or are not what the name says
        gone,     // removed since it was listed
    };
    Condition condition = Condition::sound;
    std::string what;         // of damaged and invalid, for people
    bool opened = false;      // decrypted, decompressed, its envelope compared with its name
    bool for_others = false;  // no identity here opens it
    bool differed = false;    // sound, but only when it was read a second time
};

struct CheckOptions {
    const DecodeOptions* opening = nullptr;  // nullptr: only the hash is compared
    std::stop_token stop = {};
    std::chrono::milliseconds pause{1'000};  // before it is read a second time
};

/// Reads an object whole and compares its bytes with the hash in its name; what differs, or cannot be read
/// although the store answers, is read once more, since the network may be at fault. `root` is what stands
/// before the system identifier in its key. Throws what concerns the store as a whole, and interrupted.
Checked check_object(ObjectStore& store, const std::string& root, const std::string& key, Pace& pace,
                     const CheckOptions& options);

}  // namespace walferry::verify
