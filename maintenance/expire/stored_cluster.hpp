#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/held_wal.hpp"
#include "common/clock.hpp"
#include "common/wal/backup_name.hpp"
#include "common/wal/timeline_history.hpp"
#include "common/wal/wal_name.hpp"

/// What a store's complete listing of one cluster says, as values: all that a plan is made from. Times named
/// "modified", "put" or "made" are the store's (LastModified); segments are counted by number, which is their
/// LSN divided by the segment size.
namespace walferry::expire {

/// One object of a WAL file; small, because a store has millions.
struct WalFile {
    std::uint64_t number = 0;   // zero for a history file
    std::uint64_t content = 0;  // the first half of its fingerprint
    WallTime modified;
    std::uint32_t timeline = 0;
    std::uint32_t size = 0;
    WalKind kind = WalKind::segment;
};

/// Segments of one timeline, first and last included.
struct WalRun {
    std::uint32_t timeline = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    bool operator==(const WalRun&) const = default;
};

/// An object of a backup, or of none.
struct StoredObject {
    std::string key;
    std::uint64_t size = 0;
    WallTime modified;
};

struct Backup {
    BackupId id;
    std::string made_by;  // for people
    bool indexed =
        false;  // it has an index that could be read; without, timeline, WAL and times are not known
    bool labelled = false;  // without a label it was never completed
    bool counted = false;   // known to be real: by a trusted signature, or by this host's ledger
    std::string uncounted;  // why not
    std::uint32_t timeline = 0;
    std::uint64_t first = 0, last = 0;   // the segments that it needs
    WallTime started, stopped;           // by its label's clock; `started` by its id where it has no index
    WallTime put;                        // its index, or where it has none its newest object
    std::vector<std::uint32_t> objects;  // StoredCluster::objects that belong to it, index and label included
    std::uint64_t missing = 0;           // that its index names and the listing does not show
};

/// A signed mark for removal.
struct Mark {
    WallTime made;
    std::string policy;              // Retention::policy() of the run that made it
    std::string writer;              // for people
    bool counted = true;             // false: forged, or by a writer who is not trusted
    std::optional<BackupId> backup;  // exactly one of these three says what is marked
    std::vector<WalRun> wal;         // ascending
    std::vector<std::string> keys;   // ascending
};

/// A hold that is in force and was not released, in whichever store it was seen.
struct Hold {
    BackupId backup;
    std::optional<WallTime> until;
    std::string reason;
};

/// The object that a backup puts first.
struct Begin {
    BackupId id;
    WallTime made;
    std::optional<std::uint64_t> first;  // no WAL before this segment will be needed
};

struct StoredCluster {
    std::uint64_t segment_size = 0;
    std::vector<WalFile> wal;                // ascending by timeline, then by number, as listings are
    std::vector<TimelineHistory> histories;  // those that can be read here
    archive::SettledSegments settled;
    std::vector<StoredObject> objects;
    std::vector<Backup> backups;
    std::vector<Mark> marks;
    std::vector<Hold> holds;
    std::vector<Begin> begins;
    std::optional<WallTime>
        recovery_point;   // the last commit that this store brings back, where that is known
    std::string trouble;  // why nothing may be decided from this: a listing cut short, an index unread
};

}  // namespace walferry::expire
