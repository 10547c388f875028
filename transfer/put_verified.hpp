#pragma once
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "common/store/object_store.hpp"

namespace walferry::transfer {

/// An object on its way into a store, still at hand: bytes and hashes outlive the call they are given to.
struct Outgoing {
    std::string key;
    const Body& body;
    const BodyDigest& digest;
    /// XXH3-128 of the object, taken while it was made. Bytes that changed in memory or in the work file
    /// afterwards come back from the store as they are at hand, and are told by this alone.
    const std::string& checksum;
};

/// How an object is sent, and what is said where it does not arrive.
struct Sending {
    std::string shown;  // what the message begins with
    std::string next;   // what follows, for the hint
    std::stop_token stop = {};
    /// What the wire or the server damaged, another copy may bring across. (Requests that fail are repeated
    /// by the store itself, see retry.hpp.)
    int copies = 1;
    std::function<void()> taken = {};        // called after each put, before anything is read back
    std::chrono::milliseconds pause{1'000};  // before it is read a second time
};

/// Puts the object and reads it back whole. What comes back is compared with the bytes at hand and with the
/// checksum, which costs a fraction of hashing it by SHA-256 once more. What differs, or is not there, is
/// asked for a second time after a moment, since the wire or a server that lags behind may be at fault; then
/// it is hashed, because the bytes at hand may be the damaged ones.
///
/// Throws integrity for other bytes, not_found for none, interrupted, and what put and get throw.
void put_verified(ObjectStore& store, const Outgoing& object, const Sending& sending);

}  // namespace walferry::transfer
