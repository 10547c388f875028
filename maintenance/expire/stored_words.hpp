#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/codec/backup_hold.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "maintenance/expire/stored_cluster.hpp"

namespace walferry::expire {

/// Whose words count.
struct Trust {
    std::string cluster;
    std::uint64_t system_identifier = 0;
    std::vector<std::string> writers;  // trusted_writers; empty: anyone's
};

/// The holds of one store, or of several: a hold counts in all of them, wherever it was seen.
struct SeenHolds {
    std::map<std::string, BackupHold> holds;  // by the digits in their names
    std::set<std::string> released;           // the same digits
    std::vector<std::string> refused;         // those that count for nothing, a line each

    void add(const SeenHolds& other);
    /// Those that were not released.
    std::vector<Hold> in_force() const;
};

/// Lists and reads hold/ and release/. Throws what the store throws: a hold that cannot be read may be the
/// one that matters.
SeenHolds read_holds(ObjectStore& store, const ObjectKeys& keys, const Trust& trust);

/// The marks of one store, with the key of each.
struct SeenMarks {
    std::vector<Mark> marks;
    std::vector<std::string> keys;
};

/// Lists and reads mark/. A mark that cannot be used is there as one that does not count.
SeenMarks read_marks(ObjectStore& store, const ObjectKeys& keys, const Trust& trust,
                     std::uint64_t segment_size);

}  // namespace walferry::expire
