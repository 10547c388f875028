#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/ledger/ledger_part.hpp"

namespace walferry {

/// What a store was last seen to hold of this cluster, whichever host put it there.
struct ArchiveSight {
    std::string store;
    std::string seen_at;
    std::string newest_segment;  // of the newest timeline; empty: none
    std::string newest_backup;   // an ID whose label is there; empty: none
    bool backup_is_ours = false;
};

/// Segments that a store's listing does not have between two that it has.
struct ListedGap {
    std::string after, before;
    std::string seen_at;  // first
};

/// How fast a store grows, by the newest uploads that this host has verified there.
struct StoreGrowth {
    std::uint64_t bytes = 0;  // of the newest thousand segments, as far as they are verified there,
    std::string first, last;  // between these two times; empty: none is
};

/// The whole archive as listings show it, whichever host filled it.
class SightRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    void note_sight(std::int64_t store, std::uint64_t system_identifier, const ArchiveSight& sight);
    std::vector<ArchiveSight> sights(std::uint64_t system_identifier);
    /// Whether this host made it.
    bool knows_backup(const std::string& id);
    /// By timeline ("00000001"): the last segment up to which the listing was looked through.
    std::map<std::string, std::string> looked_through(std::int64_t store, std::uint64_t system_identifier);
    void note_looked_through(std::int64_t store, std::uint64_t system_identifier, const std::string& segment);
    std::vector<ListedGap> listed_gaps(std::int64_t store, std::uint64_t system_identifier);
    void add_listed_gap(std::int64_t store, std::uint64_t system_identifier, const ListedGap& gap);
    /// By what is left of it, in one transaction.
    void replace_listed_gap(std::int64_t store, std::uint64_t system_identifier, const ListedGap& gap,
                            const std::vector<ListedGap>& left);
    StoreGrowth growth(std::int64_t store);
    /// Of timelines whose first segments are `firsts`, and before which something is missing now: since when,
    /// by that segment. What is not among them any longer is forgotten.
    std::map<std::string, std::string> note_fork_gaps(std::int64_t store, std::uint64_t system_identifier,
                                                      const std::vector<std::string>& firsts,
                                                      const std::string& now);
};

}  // namespace walferry
