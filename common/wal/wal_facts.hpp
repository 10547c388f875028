#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace walferry {

/// When and where something stands in the WAL. Microseconds since 1970 UTC.
struct WalMoment {
    std::int64_t time = 0;
    std::uint64_t lsn = 0;

    bool operator==(const WalMoment&) const = default;
};

struct WalCheckpoint {
    std::uint64_t lsn = 0, redo = 0;
    std::int64_t time = 0;  // when it began

    bool operator==(const WalCheckpoint&) const = default;
};

/// An ACCESS EXCLUSIVE lock on a relation.
struct WalLock {
    std::uint32_t database = 0, relation = 0;
    std::uint64_t lsn = 0;

    bool operator==(const WalLock&) const = default;
};

/// What a transaction did so far that explains a later removal of files. At most most_of_a_transaction
/// entries of each kind are kept; the counts go on.
struct WalTransaction {
    std::uint32_t xid = 0;
    std::uint64_t first_lsn = 0;  // its first record that was seen, at the latest its first lock
    std::vector<WalLock> locks;
    std::vector<std::uint32_t> created;  // files of relations, by number
    std::vector<std::uint32_t> filled;   // of those that were written page by page: a rewrite or an index
    std::uint32_t lock_count = 0, created_count = 0;

    bool operator==(const WalTransaction&) const = default;
};

/// One thing that happened.
struct WalEvent {
    enum class Kind {
        restore_point,
        database_created,
        database_dropped,
        tablespace_created,
        tablespace_dropped,
        files_removed,  // a commit that removes the files of relations
        parameters,     // those that a standby needs
        end_of_recovery
    };

    Kind kind = Kind::restore_point;
    std::uint64_t lsn = 0;
    std::int64_t time = 0;  // 0: not known; of a transaction that had not ended in this segment
    std::uint32_t xid = 0;
    std::uint32_t database = 0;
    std::uint32_t tablespace = 0;  // database_dropped: the only one that it was removed from; 0: several
    std::uint32_t timeline = 0, previous_timeline = 0;  // end_of_recovery
    std::string text;                                   // a restore point's name, a path, parameters; "moved"
                       // of a database that was copied into another tablespace
    std::vector<std::uint32_t> removed;  // files_removed: numbers of files, not all of many
    std::uint32_t removed_count = 0;
    std::vector<std::uint32_t> subtransactions;  // files_removed: whose locks count as well
    WalTransaction transaction;                  // files_removed, database_dropped: what came before

    bool operator==(const WalEvent&) const = default;
};

/// A record that begins in one segment and ends in the next.
struct WalTail {
    std::uint64_t lsn = 0;
    std::uint32_t length = 0;  // of the whole record
    std::vector<std::byte> bytes;

    bool operator==(const WalTail&) const = default;
};

struct WalHead {
    std::uint32_t length = 0;  // of the record's rest
    std::vector<std::byte> bytes;

    bool operator==(const WalHead&) const = default;
};

/// What a segment's records tell (docs/format.md, "Facts").
struct WalFacts {
    bool complete = true;  // false: more is in the segment than is told here
    int pg_version = 0;
    std::uint32_t timeline = 0;        // of its last page
    std::uint64_t begin = 0, end = 0;  // of the segment
    std::uint64_t last_record = 0;     // where the last record begins that is whole; 0: none is
    std::uint64_t commits = 0;
    std::optional<WalMoment> first_end, last_end;  // ends of transactions: commits and aborts
    std::optional<WalMoment> last_commit;
    std::optional<WalMoment> greatest_end;  // clocks may be set back
    std::uint32_t next_xid = 0;             // 0: none seen
    std::vector<WalCheckpoint> checkpoints;
    std::vector<WalEvent> events;
    std::vector<WalTransaction> open;  // transactions that locked or created and have not ended
    std::optional<WalHead> head;
    std::optional<WalTail> tail;

    bool operator==(const WalFacts&) const = default;
};

/// Facts as the ledger keeps them: their text, and what they are found by.
struct FactsToNote {
    std::string text;
    std::optional<std::string> first_at, last_at, last_commit_at;  // as format_micro_time writes them
    int events = 0;
};

/// The text of a database_created event that is a move: ALTER DATABASE … SET TABLESPACE.
inline constexpr const char* moved_database = "moved";

inline constexpr std::size_t most_of_a_transaction = 64;
inline constexpr std::size_t most_carried = std::size_t{64} << 10;

/// Puts together the record that begins in `before` and ends in `after`, the segment behind it: it becomes
/// part of `before`, and neither carries it any longer. False where the two do not fit, or not all of the
/// record was carried; then nothing changes.
bool join_facts(WalFacts& before, WalFacts& after);

/// What the transaction of a files_removed event did before, in earlier segments: the locks and files of its
/// own and of its subtransactions are added to the event's.
void add_earlier(WalEvent& event, const WalFacts& earlier);

/// What a removal of files was, as far as the WAL tells.
enum class Removal { dropped, truncated, replaced, unknown };
Removal removal_of(const WalEvent& event);

}  // namespace walferry
