#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "common/store/object_store.hpp"

namespace walferry::transfer {

/// An object on its way into a store, still at hand.
struct Outgoing {
    const std::string& key;
    const Body& body;
    const BodyDigest& digest;
    /// XXH3-128 of the object, taken while it was made. Bytes that changed in memory or in the work file
    /// afterwards come back from the store as they are at hand, and are told by this alone.
    const std::string& checksum;
};

/// Puts the object and reads it back whole. What comes back is compared with the bytes at hand and with the
/// checksum, which costs a fraction of hashing it by SHA-256 once more. What differs, or is not there, is
/// asked for a second time after a moment, since the wire or a server that lags behind may be at fault; then
/// it is hashed, because the bytes at hand may be the damaged ones.
///
/// `taken` is called between the two steps. Throws integrity for other bytes, not_found for none,
/// interrupted, and what put and get throw. The message begins with `shown`; `next` says what follows, for
/// the hint.
void put_verified(ObjectStore& store, const Outgoing& object, const std::string& shown,
                  const std::string& next, const std::stop_token& stop,
                  const std::function<void()>& taken = {});

}  // namespace walferry::transfer
