#include "maintenance/gaps/gaps.hpp"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "archive/archived_forks.hpp"
#include "archive/fork_gaps.hpp"
#include "archive/listed_archive.hpp"
#include "archive/listed_gaps.hpp"
#include "archive/object_read.hpp"
#include "common/spool/spooled_name.hpp"
#include "common/store/stores.hpp"
#include "console/exit_code.hpp"
#include "maintenance/gaps/whereabouts.hpp"

namespace walferry::gaps {
namespace {

struct AskedStore {
    const StoreSettings* settings = nullptr;
    std::optional<std::int64_t> id;  // in the ledger
    std::unique_ptr<ObjectStore> connection;
    bool selected = true;  // else only asked whether it has what another one lacks
    StoreGaps result;
};

class Search {
  public:
    Search(const Settings& settings, const GapsOptions& options)
        : settings_(settings), options_(options), spool_(settings.spool) {
        if (::access(spool_.ledger().c_str(), F_OK) == 0)
            ledger_ = std::make_unique<Ledger>(spool_, Ledger::Open::existing);
        (void)select_stores(settings, options.stores);  // refuses names that the configuration does not have
        for (const StoreSettings* store : select_stores(settings, {{}, options.stores.without})) open(*store);
        choose_cluster();
        if (ledger_) known_ = ledger_->known_gaps(cluster_);
        if (!settings.encrypt || !settings.identity_file.empty())
            decoding_ = archive::decode_options(settings);
    }

    Ledger* ledger() noexcept { return ledger_.get(); }
    std::uint64_t cluster() const noexcept { return cluster_; }
    std::vector<AskedStore>& stores() noexcept { return stores_; }

    void look() {
        spooled_ = spooled_names(spool_, cluster_);
        for (AskedStore& store : stores_) {
            if (store.selected) attempt(store, [&] { look_at(store); });
        }
        std::set<std::string> pg_wal;
        const bool any = std::any_of(stores_.begin(), stores_.end(),
                                     [](const AskedStore& store) { return !store.result.gaps.empty(); });
        if (any && options_.pg_wal) pg_wal = options_.pg_wal(cluster_);
        for (AskedStore& store : stores_) {
            for (FoundGap& gap : store.result.gaps) find_missing(store, gap, pg_wal);
        }
    }

  private:
    void open(const StoreSettings& settings);
    void choose_cluster();
    void remember(AskedStore& store, std::vector<ListedGap>& gaps);
    void look_at(AskedStore& store);
    archive::Forks forks_of(AskedStore& store, const ObjectKeys& keys);
    /// False where all of it has expired.
    bool trim(FoundGap& gap, const archive::ExpiredWal& expired) const {
        const auto left = archive::unexpired(expired, gap.first, gap.last, segment_size_);
        if (left) std::tie(gap.first, gap.last) = *left;
        return left.has_value();
    }
    void add(AskedStore& store, FoundGap gap);
    void find_missing(AskedStore& store, FoundGap& gap, const std::set<std::string>& pg_wal);
    ObjectKeys keys_of(const AskedStore& store) const {
        return {store.settings->prefix, settings_.cluster, cluster_};
    }
    std::string step(const std::string& segment, int by) const {
        const WalName name = *WalName::parse(segment);
        const std::uint64_t start = *name.start_lsn(segment_size_);
        return WalName::segment_at(name.timeline, by < 0 ? start - segment_size_ : start + segment_size_,
                                   segment_size_)
            .text;
    }
    std::uint64_t count(const std::string& first, const std::string& last) const {
        return (*WalName::parse(last)->start_lsn(segment_size_) -
                *WalName::parse(first)->start_lsn(segment_size_)) /
                   segment_size_ +
               1;
    }

    /// One store's trouble is its own.
    template <typename Step>
    void attempt(AskedStore& store, Step step) {
        if (store.result.trouble) return;
        try {
            step();
        } catch (const Error& error) {
            const Scope scope = traits(error.kind()).scope;
            if (scope == Scope::ledger || error.kind() == ErrorKind::interrupted) throw;
            store.result.trouble = error;
        }
    }

    const Settings& settings_;
    const GapsOptions& options_;
    const SpoolPaths spool_;
    std::unique_ptr<Ledger> ledger_;
    std::vector<AskedStore> stores_;
    std::uint64_t cluster_ = 0;
    std::uint64_t segment_size_ = 0;
    std::vector<KnownGap> known_;
    std::optional<DecodeOptions> decoding_;
    std::set<std::string> spooled_;
};

void Search::open(const StoreSettings& settings) {
    AskedStore store;
    store.settings = &settings;
    store.selected = options_.stores.includes(settings.name);
    store.result.name = settings.name;
    if (ledger_) {
        const StoreIdentity identity = identity_of(settings);
        for (const StoreRow& row : ledger_->active_stores()) {
            if (row.identity == identity) store.id = row.id;
        }
    }
    attempt(store,
            [&] { store.connection = open_store(settings, StoreAccess::write, nullptr, options_.stop); });
    stores_.push_back(std::move(store));
}

/// By the ledger, or by what is listed.
void Search::choose_cluster() {
    cluster_ = options_.system_identifier;
    if (ledger_ && cluster_ == 0) cluster_ = ledger_->present_cluster().value_or(0);
    if (ledger_ && cluster_ != 0) segment_size_ = ledger_->known_segment_size(cluster_);
    if (segment_size_ != 0) return;
    archive::ListedArchive listed;
    for (AskedStore& store : stores_) {
        attempt(store, [&] {
            archive::list_archive(*store.connection, store.settings->prefix, settings_.cluster, listed,
                                  [](const auto&) {});
        });
    }
    if (cluster_ == 0 && listed.segment_sizes.size() > 1) {
        throw Error(ErrorKind::usage, "the stores hold WAL of several clusters under " + settings_.cluster,
                    "say which one with --system-identifier; `walferry backups` lists them");
    }
    if (cluster_ == 0 && !listed.segment_sizes.empty()) cluster_ = listed.segment_sizes.begin()->first;
    if (const auto found = listed.segment_sizes.find(cluster_); found != listed.segment_sizes.end())
        segment_size_ = found->second.size();
}

/// Where timelines were left, so that what lies behind that is not taken for missing.
archive::Forks Search::forks_of(AskedStore& store, const ObjectKeys& keys) {
    archive::Forks forks;
    archive::add_forks(forks, {store.connection.get(), keys}, cluster_, segment_size_, 0, decoding_,
                       ledger_ ? ledger_->histories(cluster_) : std::vector<HistoryRow>{});
    if (!ledger_) return forks;
    for (const BackupStart& backup : ledger_->backup_starts(cluster_))
        forks.add_in_use(backup.timeline, backup.lsn);
    return forks;
}

/// Since when each is known. Those that are new are written down for the next look, and for `walferry check`.
void Search::remember(AskedStore& store, std::vector<ListedGap>& gaps) {
    const std::vector<ListedGap> known = ledger_->listed_gaps(*store.id, cluster_);
    for (ListedGap& gap : gaps) {
        const auto before = std::find_if(known.begin(), known.end(), [&](const ListedGap& each) {
            return each.after.substr(0, 8) == gap.after.substr(0, 8) && each.after <= gap.after &&
                   each.before >= gap.before;
        });
        gap.seen_at = before == known.end() ? format_time(wall_now()) : before->seen_at;
        ledger_->add_listed_gap(*store.id, cluster_, gap);
    }
}

void Search::look_at(AskedStore& store) {
    if (cluster_ == 0 || segment_size_ == 0) return;  // nothing was archived yet
    const ObjectKeys keys = keys_of(store);
    std::vector<ListedGap> listed = archive::find_listed_gaps(*store.connection, keys, segment_size_);
    if (ledger_ && store.id) remember(store, listed);
    const std::vector<archive::ForkGap> at_forks =
        archive::find_fork_gaps(*store.connection, keys, segment_size_,
                                [&](const std::string& segment) { return spooled_.contains(segment); });
    archive::ExpiredWal expired;
    if (!listed.empty() || !at_forks.empty())
        expired = archive::ExpiredWal(*store.connection, keys, cluster_, settings_.trusted_writers);
    if (!listed.empty()) {
        const archive::Forks forks = forks_of(store, keys);
        for (const ListedGap& gap : listed) {
            FoundGap found;
            found.first = step(gap.after, 1);
            found.last = step(gap.before, -1);
            found.behind = gap.before;
            if (!trim(found, expired)) continue;
            if (!gap.seen_at.empty()) found.since = gap.seen_at;
            if (forks.departure(*WalName::parse(found.first), segment_size_).kind ==
                archive::Departure::Kind::none)
                add(store, std::move(found));
        }
    }
    std::map<std::string, std::string> since;
    if (ledger_ && store.id) {
        std::vector<std::string> firsts;
        for (const archive::ForkGap& gap : at_forks) firsts.push_back(gap.first);
        since = ledger_->note_fork_gaps(*store.id, cluster_, firsts, format_time(wall_now()));
    }
    for (const archive::ForkGap& gap : at_forks) {
        FoundGap found;
        found.first = archive::first_missing_before(*store.connection, keys, gap.missing, segment_size_);
        found.last = gap.missing;
        if (!trim(found, expired)) continue;
        found.behind = gap.first;
        found.at_fork = true;
        if (const auto seen = since.find(gap.first); seen != since.end()) found.since = seen->second;
        add(store, std::move(found));
    }
}

void Search::add(AskedStore& store, FoundGap gap) {
    gap.missing = count(gap.first, gap.last);
    gap.known = known_gap(known_, store.settings->name, gap.first, gap.last);
    gap.recent = gap.since && *gap.since > format_time(wall_now() - settings_.rpo);
    store.result.gaps.push_back(std::move(gap));
}

void Search::find_missing(AskedStore& store, FoundGap& gap, const std::set<std::string>& pg_wal) {
    for (AskedStore& other : stores_) {
        if (&other == &store || !other.connection) continue;
        attempt(other, [&] {
            add_whereabouts(gap, {Whereabouts::Place::store, other.settings->name},
                            names_in_store(*other.connection, keys_of(other), cluster_, gap.first, gap.last));
        });
    }
    add_whereabouts(gap, {Whereabouts::Place::spool, {}}, spooled_);
    add_whereabouts(gap, {Whereabouts::Place::pg_wal, {}}, pg_wal);
}

}  // namespace

Acknowledgement parse_acknowledgement(const std::string& range, const std::string& reason) {
    const std::size_t dash = std::min(range.find('-'), range.size());
    Acknowledgement result{range.substr(0, dash), dash == range.size() ? range : range.substr(dash + 1),
                           reason};
    for (const std::string& name : {result.first, result.last}) {
        const auto parsed = WalName::parse(name);
        if (!parsed || parsed->kind != WalKind::segment)
            throw Error(ErrorKind::usage, "\"" + name + "\" is not a WAL segment's name",
                        "--acknowledge FIRST-LAST, as `walferry gaps` prints it");
    }
    if (result.first.substr(0, 8) != result.last.substr(0, 8) || result.last < result.first)
        throw Error(ErrorKind::usage, range + " is no range of segments of one timeline",
                    "--acknowledge FIRST-LAST, as `walferry gaps` prints it");
    if (reason.empty())
        throw Error(ErrorKind::usage, "--acknowledge needs --reason",
                    "say why these segments are missing; `walferry gaps` shows it from then on");
    return result;
}

GapsResult find_gaps(const Settings& settings, const GapsOptions& options) {
    Search search(settings, options);
    search.look();
    GapsResult result;
    result.system_identifier = search.cluster();
    for (AskedStore& store : search.stores()) {
        if (!store.selected) continue;
        for (const FoundGap& gap : store.result.gaps) {
            if (!gap.known && !gap.recent)
                result.exit_code = console::worse_exit(result.exit_code, console::exit_code::integrity);
        }
        if (store.result.trouble)
            result.exit_code = console::worse_exit(result.exit_code, console::exit_code::incomplete);
        result.stores.push_back(std::move(store.result));
    }
    return result;
}

std::vector<std::string> acknowledge(const Settings& settings, const GapsOptions& options,
                                     const Acknowledgement& acknowledgement) {
    Search search(settings, options);
    if (search.ledger() == nullptr)
        throw Error(ErrorKind::usage, "this host has no ledger, which is where a known gap is written down",
                    "run this on the host that archives");
    search.look();
    std::vector<std::string> done;
    for (AskedStore& store : search.stores()) {
        const bool lacks =
            std::any_of(store.result.gaps.begin(), store.result.gaps.end(), [&](const FoundGap& gap) {
                return gap.first.substr(0, 8) == acknowledgement.first.substr(0, 8) &&
                       gap.first >= acknowledgement.first && gap.last <= acknowledgement.last;
            });
        if (!lacks || !store.id) continue;
        search.ledger()->acknowledge_gap(*store.id, search.cluster(),
                                         {store.settings->name, acknowledgement.first, acknowledgement.last,
                                          acknowledgement.reason, format_time(wall_now())});
        done.push_back(store.settings->name);
    }
    if (done.empty()) {
        throw Error(ErrorKind::usage,
                    "no gap of any store lies within " + acknowledgement.first + "-" + acknowledgement.last,
                    "`walferry gaps` prints the range of each");
    }
    return done;
}

}  // namespace walferry::gaps
