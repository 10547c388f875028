#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/beginnings.hpp"
#include "archive/coverage.hpp"
#include "archive/expired_wal.hpp"
#include "archive/stored_backups.hpp"
#include "archive/wal_listing.hpp"
#include "common/codec/envelope.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"

namespace walferry::archive {

struct SurveyOptions {
    StoreSelection stores;
    std::optional<std::uint64_t> system_identifier;
    std::function<void(const std::string&)> show;  // what is being done, for a progress line
    std::stop_token stop;
};

/// How far a store, or all of them together, lead from a backup.
struct ReachFrom {
    std::string store;  // empty: all together, with what waits in this host's spool
    std::vector<Reach> timelines;
};

/// A backup that at least one store has complete with its label.
struct SurveyedBackup {
    struct Copy {
        std::size_t store;  // its number in the survey
        std::uint64_t missing_pieces;
        std::string marked;  // since when this store is going to lose it; empty: it stays
    };

    BackupLabel label;
    ObjectName label_object;
    std::vector<Copy> copies;
    std::uint64_t missing_pieces = 0;  // the fewest of any copy
    ReachFrom together;
    std::vector<ReachFrom> each;

    /// Every store that has it is going to lose it.
    bool marked() const noexcept;
    BackupPoint point() const { return {label.timeline, label.start_lsn, label.stop_lsn}; }
    const Reach* reach(std::uint32_t timeline) const noexcept;
};

/// What recovery has to go on: every backup and all of the WAL behind the oldest of them, in each store.
class ArchiveSurvey {
  public:
    struct Store {
        const StoreSettings* settings = nullptr;
        std::optional<ObjectKeys> keys;
        std::unique_ptr<ObjectStore> connection;
        std::optional<Error> trouble;  // it did not answer all that it was asked
        std::vector<StoredBackup> backups;
        std::map<BackupId, std::string> marked;  // see marked_backups()
        ExpiredWal expired;
        ListedWal wal;
    };

    /// Asks the stores side by side. Throws usage for a store that the configuration does not have, config
    /// where nothing can be decrypted, and the last store's error where none has answered.
    ArchiveSurvey(const Settings& settings, SurveyOptions options);

    std::uint64_t system_identifier() const noexcept { return sysid_; }
    const std::vector<Store>& stores() const noexcept { return stores_; }
    const std::vector<SurveyedBackup>& backups() const noexcept { return backups_; }  // the oldest first
    /// A store has let go of that segment because the retention did not keep it.
    bool has_expired(const std::string& segment) const;
    const std::vector<TimelineHistory>& histories() const noexcept { return histories_; }
    /// Labels and history files that cannot be used, a line each.
    const std::vector<std::string>& problems() const noexcept { return problems_; }
    /// Backups without a label: under way, or ended early.
    const std::vector<std::string>& unfinished() const noexcept { return unfinished_; }
    /// Segments with several contents of which none was settled.
    const std::vector<std::string>& conflicts() const noexcept { return conflicts_; }
    /// Segments that hosts wrote differently behind the place where their timeline was left.
    const std::vector<std::string>& divergent() const noexcept { return divergent_; }
    std::vector<std::string> silent_stores() const;

    /// When a segment came into the spool, by its envelope: all that was written before is in it or in
    /// earlier ones. nullopt where no store gives it back.
    std::optional<std::string> spooled_at(const WalName& segment);
    /// The first half of the fingerprint of the content that recovery takes of a segment or a .partial: the
    /// only one, or the one that was settled. nullopt where it waits in this host's spool, where recovery
    /// looks first, and where none of several was chosen.
    std::optional<std::uint64_t> content(const WalName& name) const;
    bool waits_in_spool(const WalName& name) const { return spooled_at_.contains(name.text); }
    /// Of that content. nullopt where no store gives it back.
    std::optional<Envelope> envelope(const WalName& segment, std::uint64_t content);

  private:
    void on_every_store(const std::string& doing, const std::function<void(Store&)>& step);
    void merge_backups();
    void drop_settlements_of_nothing();
    void read_histories();
    void read_history(std::uint32_t timeline);
    ListedWal waiting_in_spool();
    void settle_by_writers(const HeldSegments& all);
    std::optional<std::string> trusted_content(const WalName& name);
    void measure();

    const Settings& settings_;
    const SurveyOptions options_;
    const DecodeOptions decoding_;
    std::uint64_t sysid_ = 0;
    std::vector<Store> stores_;
    std::vector<SurveyedBackup> backups_;
    std::vector<TimelineHistory> histories_;
    SegmentPlaces divergent_places(const HeldSegments& all, std::uint64_t segment_size);
    std::vector<Envelope> envelopes(const WalName& segment);
    bool is_settled(const std::pair<std::uint32_t, std::uint64_t>& partial,
                    const std::set<std::uint64_t>& contents) const;
    PartialReach partial_reach(const HeldSegments& partials, std::uint64_t segment_size);
    std::optional<std::map<std::string, Beginning>> beginnings(const WalName& name,
                                                               std::uint64_t segment_size,
                                                               std::uint64_t place);
    bool same_up_to(const WalName& name, std::uint64_t segment_size, std::uint64_t place);
    std::vector<std::string> problems_, unfinished_, conflicts_, divergent_;
    std::map<std::string, std::string> spooled_at_;                  // of what waits in this host's spool
    std::map<std::string, std::optional<std::string>> archived_at_;  // of what an envelope told
};

}  // namespace walferry::archive
