#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/spool/spool_scan.hpp"
#include "transfer/encoded_object.hpp"

namespace walferry::drain {

/// What one segment still wants of one store in this pass.
enum class Need : std::uint8_t {
    nothing,  // verified there
    send,     // to be encoded and sent
    waiting,  // not due yet, or another store was asked for
    later,    // the store fell behind, was given up on, or failed: a later pass
};

/// One spooled segment on its way. What a store's lane may touch is marked; the rest belongs to the worker
/// that prepares it, and is fixed by the time a lane sees it.
struct Task {
    explicit Task(SpoolFile spooled, std::size_t stores)
        : file(std::move(spooled)), needs(stores, Need::send), attempts(stores, 0) {}

    SpoolFile file;
    std::int64_t segment = 0;  // the ledger's id; 0 while the ledger does not know it
    std::string fingerprint;   // "" while the ledger does not know it
    std::string spooled_at;
    std::vector<Need> needs;    // by lane, each touched by its own lane once the pass is running
    std::vector<int> attempts;  // by lane: uploads tried before this pass
    std::atomic<bool> removed = false;
    std::atomic<bool> troubled = false;  // could not be read, encoded or removed: no store is to blame
};

/// A segment in a lane's queue, as the other lanes have it too.
struct Encoding {
    Task* task;
    std::shared_ptr<const transfer::EncodedObject> object;
};

}  // namespace walferry::drain
