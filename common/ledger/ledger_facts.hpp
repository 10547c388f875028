#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledger_part.hpp"
#include "common/wal/wal_facts.hpp"

namespace walferry {

struct KnownFacts {
    std::int64_t segment;
    std::string name;
    std::optional<std::string> text;  // nullopt: not known
    std::string spooled_at, fingerprint;
};

/// WAL segments of a timeline without a gap; numbers count from position 0/0.
struct WalRunRow {
    std::uint32_t timeline;
    std::uint64_t size, first, last;
};

/// What the records of segments tell, and up to where a store has them without a hole.
class FactRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    void note_facts(std::int64_t segment, const FactsToNote& facts);
    /// Segments in which something happened between two moments, in the order of their names.
    std::vector<std::int64_t> segments_between(std::uint64_t system_identifier, const std::string& since,
                                               const std::string& until);
    std::optional<KnownFacts> facts_of(std::int64_t segment);
    /// Of a segment and those before it on its timeline, the newest first.
    std::vector<KnownFacts> facts_up_to(std::uint64_t system_identifier, const std::string& segment,
                                        int most);
    std::optional<KnownFacts> facts_of(std::uint64_t system_identifier, const std::string& segment);
    /// Segments of which nothing is known, behind that name.
    std::vector<KnownFacts> without_facts(std::uint64_t system_identifier, const std::string& after,
                                          const std::string& spooled_since, int most);
    /// The first WAL segment of a timeline, from one to another, that the store does not have verified; what
    /// has left the spool counts where a listing shows it. One whose content is not settled does not count.
    std::optional<std::string> first_unverified(std::uint64_t system_identifier, std::int64_t store,
                                                const std::string& from, const std::string& to);
    /// The first one of which only a listing tells that it is there.
    std::optional<std::string> first_only_listed(std::uint64_t system_identifier, std::int64_t store,
                                                 const std::string& from, const std::string& to);
    /// Whether the store has the history file of a timeline, with a content that is not in dispute.
    bool holds_history(std::uint64_t system_identifier, std::int64_t store, std::uint32_t timeline);
    /// The last WAL segment that the newest backup needs which can be restored from that store.
    std::optional<std::string> newest_backup_end(std::uint64_t system_identifier, std::int64_t store);
    std::vector<WalRunRow> wal_runs(std::uint64_t system_identifier);
};

}  // namespace walferry
