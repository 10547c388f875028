#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/sqlite.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/wal_facts.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {

enum class UploadState { pending, stored, verified };
std::string_view to_string(UploadState state) noexcept;

/// What a store points at. A difference in any of these makes it another store.
struct StoreIdentity {
    std::string name;
    std::string type;      // "s3", "directory"
    std::string endpoint;  // a directory store's path
    std::string bucket;
    std::string prefix;
    bool operator==(const StoreIdentity&) const = default;
};

struct StoreRow {
    std::int64_t id;
    StoreIdentity identity;
    std::string added_at;
    std::optional<std::string> retired_at;
};

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

struct ConflictRow {
    std::int64_t id;
    std::uint64_t system_identifier;
    std::string name;
    std::string store;  // empty: seen in the spool
    std::string ours, theirs, seen_at;
    std::optional<std::string> settled_at;
    std::optional<std::string> divergence = {};  // "compared", "not compared": no conflict, see Divergence
    std::string fork = {};
    bool raised = false;
};

/// Why two contents of a name are no conflict: they lie where their timeline was left, or behind it.
struct Divergence {
    bool compared = false;  // what lies before the fork is the same, or nothing does
    std::string fork;       // for people
};

/// A history file that came through this host's spool.
struct HistoryRow {
    std::uint32_t timeline = 0;
    std::string fingerprint, content;
};

/// An object that a listing shows: nothing of it was read.
struct ListedObject {
    std::uint64_t system_identifier;
    WalName name;
    std::string fingerprint;
    std::string key;
    std::uint64_t size;
    std::string sha256;  // its first 32 hex digits
};

/// How far what is verified in a store was compared with its listings, in the order of system identifiers and
/// names; both are empty where a round begins.
struct Comparison {
    std::string began_at;  // this round
    std::string system_identifier, name;
    std::optional<std::string> seen_since;  // when the last whole round began
};

/// What a store should have: verified there, or known to be lost from it.
struct KeptUpload {
    std::int64_t segment;
    std::uint64_t system_identifier;
    std::string name, fingerprint;
    bool verified;  // else lost
    std::string object_key, verified_at;
};

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

struct LostUploads {
    std::int64_t count = 0;
    std::string first;  // a segment's name
};

/// A conflict to be recorded. store: none for one seen in the spool.
struct NewConflict {
    std::int64_t segment;
    std::optional<std::int64_t> store;
    std::string ours, theirs;
};

struct StoreSummary {
    std::string name, type;
    std::int64_t pending, pending_bytes;
    std::optional<std::string> oldest_pending_spooled_at;
    std::int64_t stored, verified, conflicts;
    std::optional<std::string> last_verified_segment, last_verified_at, last_error;
};

/// What a base backup covers, known when the server has ended it.
struct BackupExtent {
    std::string started_at, stopped_at;  // by the server's clock
    std::uint32_t timeline;
    std::uint64_t start_lsn, stop_lsn;
    std::string first_segment, last_segment;
    std::uint64_t segments;
    std::uint64_t size;
    std::uint64_t missing = 0;  // things of the cluster that the backup lacks
};

/// A base backup's copy of which nothing says that it is whole.
struct AbandonedBackup {
    std::int64_t backup, store;
    std::string name;
    std::uint64_t system_identifier;
    std::string label_key, label_sha256;  // empty: no label was ever put
    std::uint64_t object_size;
    bool complete_elsewhere;  // another store has all of it: this one was given up
};

struct BackupCopyRow {
    std::string backup, store;
    std::int64_t store_id;
    std::string state;
    std::optional<std::string> stopped_at;
    std::int64_t missing_segments, conflicts;
    bool restorable;
    std::uint64_t system_identifier;
};

struct BackupStart {
    std::uint32_t timeline = 0;
    std::uint64_t lsn = 0;
};

/// The WAL of a backup that this host made, where a store was not seen to have all of it.
struct BackupRange {
    std::string store;
    std::int64_t store_id;
    std::uint64_t system_identifier;
    std::string first_segment, last_segment;
};

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

/// Segments that are missing between two which the ledger knows.
struct Gap {
    std::string after, before;
    std::int64_t missing;
    std::uint64_t system_identifier;
};

struct RunRow {
    std::int64_t pid;
    std::string started_at;
    std::optional<std::string> finished_at;
    std::optional<std::int64_t> exit_code;
    std::int64_t verified, removed;
    std::string message;
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

/// The ledger has an earlier format: it is being migrated, or the next drain does that. Of kind ledger.
class LedgerFormatError : public Error {
  public:
    LedgerFormatError(std::string message, std::string hint)
        : Error(ErrorKind::ledger, std::move(message), std::move(hint)) {}
};

/// The operator's side of the ledger. Thread-safe: one connection behind a mutex. Everything throws Error of
/// kind ledger.
class Ledger {
  public:
    enum class Open { existing, create };
    /// Opens and migrates. existing: a missing ledger is an error, and so is one whose migration would take
    /// longer than a moment (LedgerFormatError): create, which is what a drain, init and rebuild say, does
    /// that. A ledger written by a newer version is refused, because what it says might be misread.
    Ledger(const SpoolPaths& spool, Open open);

    /// Whether opening made it: there was none, or one without anything in it.
    bool is_new() const noexcept { return is_new_; }

    /// Reads all of it; throws ledger_corrupt when it is damaged or is not what this program wrote.
    void check();

    std::vector<StoreRow> active_stores();
    std::vector<StoreRow> all_stores();
    std::int64_t add_store(const StoreIdentity& identity, WallTime now);
    void retire_store(std::int64_t id, WallTime now);

    std::int64_t begin_run(std::int64_t pid, WallTime now);
    void end_run(std::int64_t id, int exit_code, std::int64_t verified, std::int64_t removed,
                 const std::string& message, WallTime now);
    /// How far a run has come that goes on.
    void note_run(std::int64_t id, std::int64_t verified, std::int64_t removed);
    std::optional<std::string> open_run(std::int64_t pid);  // since when
    std::optional<RunRow> last_run();

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
    bool add_conflict(const NewConflict& conflict, WallTime now);
    /// For a segment whose file is gone before this store had it. True when that is news.
    bool mark_lost(std::int64_t segment, std::int64_t store, const std::string& reason);
    /// Verified in every active store, by durable records.
    bool verified_everywhere(std::int64_t segment);

    // The record ages: what a store was seen to have may be gone from it.
    Comparison comparison(std::int64_t store, WallTime now);
    void compared(std::int64_t store, const Comparison& until);
    /// Behind that segment, in the order of system identifiers and names.
    std::vector<KeptUpload> kept_after(std::int64_t store, const std::string& system_identifier,
                                       const std::string& name, int most);
    /// Verified no longer: the store does not have these.
    void lose(std::int64_t store, std::span<const std::int64_t> segments, const std::string& reason);
    LostUploads lost(std::int64_t store);

    // The archive as listings show it (ledger_sight.cpp).
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

    // Names with several contents (ledger_conflicts.cpp).
    std::vector<ConflictRow> conflicts(bool settled_too);
    /// Those that are open, and divergent ones that were not compared yet.
    std::vector<ConflictRow> conflicts_to_judge();
    /// It is no conflict; or, with nullopt, it is one after all.
    void judge_conflict(std::int64_t conflict, const std::optional<Divergence>& divergence, WallTime now);
    /// True the first time.
    bool raise_conflict(std::int64_t conflict, WallTime now);
    void add_history(std::uint64_t system_identifier, const HistoryRow& history);
    std::vector<HistoryRow> histories(std::uint64_t system_identifier);
    /// Whether that name was ever seen with two contents, settled or not.
    bool in_conflict(std::uint64_t system_identifier, const std::string& name);
    int settle(std::uint64_t system_identifier, const std::string& name, WallTime now);

    // What a ledger that was lost learns from the spool and from the stores' listings. None of these changes
    // what is known already.
    /// Objects of one store, in one transaction. Returns how many uploads were not known before.
    int add_listed(std::int64_t store, std::span<const ListedObject> objects, WallTime now);
    /// Gives the segments of a cluster whose size no listing told this one.
    void set_missing_sizes(std::uint64_t system_identifier, std::uint64_t segment_size);
    /// Of any WAL segment of that cluster; 0 where none is known.
    std::uint64_t known_segment_size(std::uint64_t system_identifier);
    /// Names with several contents of which no conflict is recorded yet. Returns how many it recorded.
    int add_listed_conflicts(WallTime now);
    /// Only of the segments from `first` to `last`.
    int add_listed_conflicts(std::uint64_t system_identifier, const std::string& first,
                             const std::string& last, WallTime now);

    // Base backups (ledger_backups.cpp). What begins and what is put is recorded durably before it is done,
    // so that the pieces of a run that was killed are known.
    std::int64_t begin_backup(std::uint64_t system_identifier, const std::string& name, std::int64_t pid,
                              std::span<const std::int64_t> stores, WallTime now);
    void describe_backup(std::int64_t backup, const BackupExtent& extent);
    void expect_backup_label(std::int64_t backup, std::int64_t store, const std::string& key,
                             const std::string& sha256, std::uint64_t object_size);
    void backup_verified(std::int64_t backup, std::int64_t store, WallTime now);
    void backup_failed(std::int64_t backup, std::int64_t store, const std::string& error);
    void backup_removed(std::int64_t backup, std::int64_t store);
    void end_backup(std::int64_t backup, int exit_code, WallTime now);
    /// All of them, one that is being made included: ask before yours begins, and under the backups' lock.
    std::vector<AbandonedBackup> abandoned_backups();
    std::vector<BackupCopyRow> backup_copies(std::int64_t backup);
    /// Of the few newest backups whose pieces are whole.
    std::vector<BackupRange> backups_without_wal();
    /// Of each cluster, the newest one in each store from which it can be restored.
    std::vector<BackupCopyRow> last_restorable_backups();
    /// Where the first backup of that cluster begins that any store has: the name of a segment without its
    /// timeline; "" where none is known.
    std::string first_backup_position(std::uint64_t system_identifier);
    /// The cluster that archives into this spool: that of the segment that came last, and after a rebuild the
    /// one that was created last. nullopt where no segment is known.
    std::optional<std::uint64_t> present_cluster();
    /// The cluster whose segments the ledger knows, where there are none of this one.
    std::optional<std::uint64_t> other_cluster(std::uint64_t system_identifier);

    // What the records of segments tell (ledger_facts.cpp).
    void note_facts(std::int64_t segment, const FactsToNote& facts);
    /// Of segments in which something happened between two moments, by name.
    std::vector<KnownFacts> facts_between(std::uint64_t system_identifier, const std::string& since,
                                          const std::string& until);
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
    /// Of each timeline's last that is whole in a store.
    std::vector<BackupStart> backup_starts(std::uint64_t system_identifier);
    /// The last WAL segment that the newest backup needs which can be restored from that store.
    std::optional<std::string> newest_backup_end(std::uint64_t system_identifier, std::int64_t store);
    std::vector<WalRunRow> wal_runs(std::uint64_t system_identifier);

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

  private:
    class Change;
    void migrate(bool create);
    std::unique_ptr<Change> begin_migration(std::int64_t from, std::int64_t to, bool create);

    std::mutex mutex_;
    std::unique_ptr<sqlite::Database> database_;
    std::string path_;
    bool is_new_ = false;
};

}  // namespace walferry
