#pragma once
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "common/codec/signing.hpp"
#include "maintenance/expire/listed_store.hpp"
#include "maintenance/expire/plan.hpp"

namespace walferry::expire {

/// What was done in one store.
struct Done {
    std::uint64_t marks = 0;      // put
    std::uint64_t withdrawn = 0;  // taken back
    Amount removed;               // with all versions of each object
    std::uint64_t backups = 0;    // removed
    Amount locked;  // the store did not let go of them: Object Lock, or keys that may not delete
    std::string locked_why;
};

struct StoreAtWork {
    std::function<std::unique_ptr<ObjectStore>()> open;  // one more connection
    ObjectKeys keys;
    std::string store;  // its name
    Trust trust;
    const WriterKey* writer = nullptr;  // signs marks; nullptr: they are not signed
    std::string policy;
    int connections = 4;
    std::stop_token stop;
    std::function<void(const std::string&)> show;
};

/// Withdraws, marks and removes as the plan says, in the order in which a kill anywhere leaves nothing that
/// looks like a backup and is none: of each backup its marks, its label, its index; then objects that no
/// index names; then WAL. Before each batch it looks whether a backup or a hold has come since the listing,
/// and ends then. Throws what the store throws; `done` says how far it came.
void carry_out(const StoreAtWork& at, const ListedStore& listed, const Plan& plan, Done& done);

}  // namespace walferry::expire
