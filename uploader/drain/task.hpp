#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/spool/spool_scan.hpp"
#include "common/store/object_buffer.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"

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

/// An encoded segment, shared by the lanes that send it; its memory is free when the last one lets go.
struct Encoding {
    Encoding(Task& owner, BlockPool& pool, const std::string& work_dir) : task(owner), body(pool, work_dir) {}

    Task& task;
    ObjectBuffer body;
    BodyDigest digest{};
    std::string checksum;  // XXH3-128 of the object
    ObjectName name;
    std::shared_ptr<void> room;  // given back to the window on destruction
};

}  // namespace walferry::drain
