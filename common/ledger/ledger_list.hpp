#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledger_part.hpp"
#include "common/ledger/ledger_uploads.hpp"

namespace walferry {

struct StoreSummary {
    std::string name, type;
    std::int64_t pending, pending_bytes;
    std::optional<std::string> oldest_pending_spooled_at;
    std::int64_t stored, verified, conflicts;
    std::optional<std::string> last_verified_segment, last_verified_at, last_error;
};

/// Segments that are missing between two which the ledger knows.
struct Gap {
    std::string after, before;
    std::int64_t missing;
    std::uint64_t system_identifier;
};

struct ListRow {
    std::uint64_t system_identifier;
    std::string name, fingerprint;
    std::uint64_t size;
    std::string spooled_at;
    std::optional<std::string> removed_at;
    std::string store, state;
    std::string object_key;
    std::int64_t attempts;
    std::optional<std::string> last_error, verified_at;
};

/// What a list shows: everything that is set narrows it.
struct ListQuery {
    std::optional<std::string> state, store;
    std::optional<std::string> name = std::nullopt;  // how a segment's name begins
    std::optional<std::string> since =
        std::nullopt;  // spooled then or later, a time of the ledger's or its beginning
    std::optional<std::int64_t> last = std::nullopt;  // so many segments, those that were spooled last
};

/// What reports ask.
class ReportRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    /// Of that cluster, or of all that the ledger knows.
    std::vector<StoreSummary> store_summaries(std::optional<std::uint64_t> system_identifier = std::nullopt);
    /// All whose segments the ledger knows.
    std::vector<std::uint64_t> clusters();
    /// Of that cluster, or of all that the ledger knows.
    std::vector<Gap> gaps(std::optional<std::uint64_t> system_identifier = std::nullopt);
    /// The WAL segment that was verified last in the store of that name.
    std::optional<SegmentRow> newest_verified(const std::string& store);
    /// The name of the WAL segment that is `count` behind that one among those that the ledger knows of its
    /// timeline, or the first of them.
    std::string segment_before(const SegmentRow& segment, int count);
    /// Calls `each` for a segment's copy in each active store, until it says false. By name; with `since` or
    /// `last` in the order of time, and where `state` is pending or stored in the order of arrival. Nothing
    /// is locked while `each` runs.
    void list(const ListQuery& query, const std::function<bool(const ListRow&)>& each);
    /// All of it in memory.
    std::vector<ListRow> list(const std::optional<std::string>& state,
                              const std::optional<std::string>& store);
};

}  // namespace walferry
