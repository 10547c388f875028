#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "maintenance/expire/stored_words.hpp"
#include "maintenance/expire/wal_key.hpp"

namespace walferry::expire {

/// What a host knows besides the listing.
struct HostKnowledge {
    Trust trust;
    std::set<std::string> own_backups;               // by the ledger: made here and read back from that store
    const DecodeOptions* decoding = nullptr;         // where this host holds an identity
    std::map<std::uint32_t, std::string> histories;  // by the ledger: texts of history files
};

/// One cluster in one store, read whole: what a plan is made from, and the keys of what it is about.
struct ListedStore {
    StoredCluster cluster;
    std::vector<WalKey> wal_keys;                                            // beside cluster.wal
    std::vector<std::string> mark_keys;                                      // beside cluster.marks
    std::map<std::string, std::vector<std::string>> label_keys, index_keys;  // by backup
    std::set<std::string> folders;  // of backups, as they were when the listing began
    SeenHolds holds;                // of this store alone; cluster.holds is filled in by the caller
    std::uint64_t unknown = 0;      // keys that are none of walferry's
    std::vector<std::string> notes;
};

/// Lists everything below PREFIX/CLUSTER/SYSID/ and reads every index, beginning, mark and hold. What makes
/// the listing unfit to decide from is said in cluster.trouble. Throws what the store throws. `show`: what is
/// being done.
ListedStore list_store(ObjectStore& store, const ObjectKeys& keys, const HostKnowledge& host,
                       const std::function<void(const std::string&)>& show);

}  // namespace walferry::expire
