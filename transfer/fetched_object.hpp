#pragma once
#include <memory>
#include <string>

#include "common/store/object_buffer.hpp"
#include "common/store/object_store.hpp"
#include "transfer/memory_budget.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::transfer {

/// An object that came from a store whole and hashes to its name, on its way into another one.
struct FetchedObject {
    FetchedObject(MemoryBudget& budget, MemoryBudget::Share taken, const std::string& work_dir)
        : share(std::move(taken)), body(std::make_unique<ObjectBuffer>(budget.pool(), work_dir)) {}

    Outgoing at(std::string key) const { return {std::move(key), *body, digest, checksum}; }

    MemoryBudget::Share share;  // first, so that it is given back after the memory
    std::unique_ptr<ObjectBuffer> body;
    BodyDigest digest{};
    std::string checksum;  // XXH3-128, taken while it arrived
};

/// Fetches an object whose SHA-256 begins with `sha256`, some of its hex digits. Throws integrity where it
/// does not, or where it is larger than any object of walferry's; else what the store throws.
std::unique_ptr<FetchedObject> fetch_object(ObjectStore& store, const std::string& key,
                                            const std::string& sha256, MemoryBudget& budget,
                                            MemoryBudget::Share share, const std::string& work_dir);

}  // namespace walferry::transfer
