#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/ledger_conflicts.hpp"
#include "common/ledger/ledger_part.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {

enum class UploadState { pending, stored, verified };
std::string_view to_string(UploadState state) noexcept;

struct SegmentRow {
    std::int64_t id;
    std::uint64_t system_identifier;
    std::string name;
    std::string fingerprint;
    std::uint64_t size;
    std::string spooled_at;
    std::optional<std::string> removed_at;
};

struct UploadRow {
    std::int64_t segment;
    std::int64_t store;
    UploadState state;
    int attempts;
    std::string object_key;
    std::optional<std::string> next_attempt_at;
};

/// An object that was read back whole.
struct VerifiedObject {
    std::int64_t segment;
    std::string key;
    std::uint64_t size;
    std::string sha256;  // 64 hex digits
};

/// An object as this host encoded it, and how many puts were answered without one that was verified.
struct OwnPut {
    VerifiedObject object;
    int copies;
};

/// A row of the columns that every question for segments names.
SegmentRow segment_row(const sqlite::Statement& statement);

/// Segments of this spool and what became of each in each store. What permits a deletion is recorded here and
/// nowhere else.
class UploadRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    /// Rows whose file should be in the spool.
    std::vector<SegmentRow> spooled();
    std::vector<SegmentRow> rows_of(std::uint64_t system_identifier, const std::string& name);
    /// A row for a file that is in the spool; an existing one is kept, and no longer counts as removed. Where
    /// it counted as removed, what was verified then has to be read back once more before that file goes.
    std::int64_t adopt(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                       std::uint64_t size, WallTime spooled_at);
    void removed(std::int64_t segment, WallTime now);
    /// Of segments in the spool.
    std::vector<UploadRow> open_uploads();
    std::vector<UploadRow> uploads_of(std::int64_t segment);
    /// A further attempt, said before the object of an earlier one is looked for.
    void begin_attempt(std::int64_t segment, std::int64_t store);
    /// Said before the put: only an object that was announced here can be verified. After a power cut the
    /// record may be missing; then the object is put once more.
    void begin_put(std::int64_t store, const VerifiedObject& object, bool further_attempt);
    /// What this host put, or was about to put, when it was last tried and not verified.
    std::optional<OwnPut> own_put(std::int64_t segment, std::int64_t store);
    void attempt_failed(std::int64_t segment, std::int64_t store, const std::string& error,
                        WallTime next_attempt);
    void stored(std::int64_t store, const VerifiedObject& object, WallTime now);
    /// One durable transaction (synchronous = FULL). Throws ledger for an object that no begin_put() has
    /// announced. Returns how many of the conflicts were not known before.
    int verified(std::int64_t store, std::span<const VerifiedObject> objects,
                 std::span<const NewConflict> conflicts, WallTime now);
    /// For a segment whose file is gone before this store had it. True when that is news.
    bool mark_lost(std::int64_t segment, std::int64_t store, const std::string& reason);
    /// Verified in every active store, by durable records.
    bool verified_everywhere(std::int64_t segment);
};

}  // namespace walferry
