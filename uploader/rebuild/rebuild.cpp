#include "uploader/rebuild/rebuild.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "archive/comparison.hpp"
#include "archive/conflict_judge.hpp"
#include "archive/listed_archive.hpp"
#include "archive/settlements.hpp"
#include "archive/stored_indexes.hpp"
#include "common/clock.hpp"
#include "common/codec/signing.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_file.hpp"
#include "common/spool/spool_content.hpp"
#include "common/spool/spool_lock.hpp"
#include "common/store/stores.hpp"
#include "common/wal/segment_id.hpp"
#include "console/exit_code.hpp"
#include "server/primary_timeline.hpp"

namespace walferry::rebuild {
namespace {

/// As far as an index tells: positions are those of whole segments.
BackupExtent extent_of(const BackupIndex& index) {
    const auto begin_of = [&](const std::string& segment) {
        return WalName::parse(segment)->start_lsn(index.segment_size).value_or(0);
    };
    const std::uint64_t start = begin_of(index.first_segment);
    const std::uint64_t stop = begin_of(index.last_segment) + index.segment_size;
    return {index.started_at,
            index.stopped_at,
            index.timeline,
            start,
            stop,
            index.first_segment,
            index.last_segment,
            (stop - start) / index.segment_size,
            index.size,
            index.complete ? std::uint64_t{0} : std::uint64_t{1}};
}

std::string label_of(const BackupIndex& index) {
    const auto label = std::find_if(index.objects.begin(), index.objects.end(), [](const auto& object) {
        return object.key.find("/label-") != std::string::npos;
    });
    return label->key;  // an index without one is refused when it is read
}

class Rebuild {
  public:
    Rebuild(const Settings& settings, console::Outcome& outcome, std::stop_token stop,
            const std::function<void(const std::string&)>& show)
        : settings_(settings),
          outcome_(outcome),
          stop_(std::move(stop)),
          show_(show),
          spool_(settings.spool),
          lock_(spool_, std::chrono::milliseconds(0), stop_) {}

    RebuildResult run(const RebuildOptions& options) {
        open(options);
        stores_ = reconcile_stores(settings_, *ledger_, wall_now());
        read_spool();
        for (std::size_t i = 0; i < stores_.size() && !stop_.stop_requested(); ++i) list(i);
        for (auto& [sysid, guess] : archive_.segment_sizes) {
            const std::uint64_t known = ledger_->known_segment_size(sysid);
            ledger_->set_missing_sizes(sysid, known != 0 ? known : guess.size());
        }
        record_conflicts();
        if (stop_.stop_requested())
            outcome_.report(console::exit_code::incomplete, "stopped on request; run it again for the rest");
        return std::move(result_);
    }

  private:
    void open(const RebuildOptions& options) {
        scan_ = scan_spool(spool_);  // no spool, no ledger
        try {
            ledger_ = std::make_unique<Ledger>(spool_, Ledger::Open::create);
            ledger_->check();
            if (!options.anew) return;
            result_.reason = "it was asked for (--anew)";
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::ledger_corrupt) throw;
            result_.reason = error.message();
        }
        ledger_.reset();
        result_.set_aside = set_ledger_aside(spool_, wall_now());
        ledger_ = std::make_unique<Ledger>(spool_, Ledger::Open::create);
    }

    void read_spool() {
        for (const std::string& problem : scan_.problems)
            outcome_.report(console::exit_code::failed, problem);
        std::set<SegmentId> known;
        for (const SegmentRow& row : ledger_->spooled()) {
            known.insert({row.system_identifier, row.name});
            known.insert({row.system_identifier, row.name + "-" + row.fingerprint});
        }
        for (std::size_t i = 0; i < scan_.files.size() && !stop_.stop_requested(); ++i) {
            const SpoolFile& file = scan_.files[i];
            show_("reading the spool: " + std::to_string(i + 1) + "/" + std::to_string(scan_.files.size()) +
                  " segments");
            if (known.contains(file.id())) continue;
            try {
                adopt(file);
            } catch (const Error& error) {
                outcome_.report(traits(error.kind()).exit_code, error.what());
            }
        }
    }

    void adopt(const SpoolFile& file) {
        const std::string shown = spool_.segment(file.system_identifier, file.entry());
        const Fd fd = open_spool_file(spool_, file);
        if (!fd) return;
        if (const auto wrong = foreign_content(file, fd.get(), shown)) {
            throw Error(ErrorKind::integrity,
                        shown + " is not what its name says: " + *wrong + "; it was left alone",
                        "find out who put it there");
        }
        ledger_->adopt(file.system_identifier, file.name, fingerprint_of(fd.get(), shown), file.size,
                       file.modified);
        ++result_.spooled;
    }

    void list(std::size_t index) {
        const StoreSettings& settings = settings_.stores[index];
        try {
            const auto store = open_store(settings, StoreAccess::write, nullptr, stop_);
            archive::list_archive(*store, settings.prefix, settings_.cluster, archive_,
                                  [&](const std::vector<ListedObject>& objects) {
                                      result_.listed += static_cast<std::size_t>(
                                          ledger_->add_listed(stores_[index].id, objects, wall_now()));
                                      show_("listing " + settings.name + ": " +
                                            std::to_string(archive_.objects) + " objects so far");
                                  });
            for (const std::uint64_t sysid : archive_.settled_in)
                report_refused_settlements(*store, settings, sysid);
            learn_backups(*store, settings, stores_[index].id);
            compare(*store, settings, stores_[index].id);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) return;
            const bool local = traits(error.kind()).scope == Scope::ledger;
            if (local) throw;
            result_.unlisted.push_back(settings.name);
            const int code = traits(error.kind()).exit_code;
            outcome_.report(code == console::exit_code::usage ? code : console::exit_code::incomplete,
                            error.what());
            outcome_.report(console::exit_code::incomplete,
                            "store " + settings.name +
                                " could not be listed: what only it has is not in the "
                                "ledger; run this again when it answers");
        }
    }

    /// Whose backups are believed: a ledger that took those of others would count them as this cluster's own.
    std::vector<std::string> writers() const {
        std::vector<std::string> names = settings_.trusted_writers;
        if (!settings_.signing_key_file.empty())
            names.push_back(WriterKey::load(settings_.signing_key_file).public_key());
        return names;
    }

    void learn_backups(ObjectStore& store, const StoreSettings& settings, std::int64_t id) {
        std::size_t passed_over = 0;
        const archive::IndexOwner anyone{settings_.cluster, 0, writers()};
        for (const auto& [sysid, guess] : archive_.segment_sizes) {
            show_("looking at the backups in " + settings.name);
            archive::IndexOwner owner = anyone;
            owner.system_identifier = sysid;
            const ObjectKeys keys(settings.prefix, settings_.cluster, sysid);
            for (const archive::IndexedBackup& backup : archive::list_indexed_backups(store, keys, owner)) {
                if (!backup.labelled) continue;
                if (!backup.index || owner.trusted_writers.empty() || backup.missing > 0)
                    ++passed_over;
                else if (ledger_->learn_backup(sysid, backup.id.text, extent_of(*backup.index), id,
                                               keys.root() + label_of(*backup.index),
                                               backup.index->object_size(), wall_now()))
                    ++result_.backups;
            }
        }
        if (passed_over == 0) return;
        outcome_.report(
            console::exit_code::done,
            "store " + settings.name + " has " + counted(passed_over, "backup", "backups") +
                " that the ledger does not take up: not whole there, or without an index that a "
                "writer in trusted_writers, or this host, has signed; `walferry backups` shows them");
    }

    // What a sound ledger calls verified may be gone since.
    void compare(ObjectStore& store, const StoreSettings& settings, std::int64_t id) {
        show_("comparing " + settings.name + " with the ledger");
        Comparison from = ledger_->comparison(id, wall_now());
        ledger_->compared(id, {format_time(wall_now()), {}, {}, from.seen_since});
        const archive::CompareResult found = archive::compare_with_listings(
            *ledger_, store,
            {settings.prefix, settings_.cluster, id, SIZE_MAX, stop_, settings_.trusted_writers}, wall_now());
        result_.lost += found.lost.size();
        if (found.lost.empty()) return;
        outcome_.report(
            console::exit_code::integrity,
            "store " + settings.name + " has lost " +
                counted(found.lost.size(), "segment that was", "segments that were") +
                " verified there, such as " + found.lost.front() +
                "; `walferry list --state pending` names them. Copy the objects back from another "
                "store, or import the segments from where they are still found");
    }

    void report_refused_settlements(ObjectStore& store, const StoreSettings& settings, std::uint64_t sysid) {
        const ObjectKeys keys(settings.prefix, settings_.cluster, sysid);
        for (const auto& [name, listed] : archive::list_settlements(store, keys)) {
            const archive::Settled settled = archive::read_settled(store, keys, sysid, listed, settings_);
            for (const std::string& line : settled.refused)
                outcome_.report(console::exit_code::done, "store " + settings.name + ": " + line);
        }
    }

    // What was open before is said by `status`; what a settled object answers already is no news either.
    void record_conflicts() {
        std::set<std::int64_t> known;
        for (const ConflictRow& row : ledger_->conflicts(true)) known.insert(row.id);
        ledger_->add_listed_conflicts(wall_now());
        archive::judge_conflicts(
            settings_, *ledger_,
            {[&](int exit_code, const std::string& line) { outcome_.report(exit_code, line); },
             [&](std::uint64_t sysid) {
                 return server::primary_timeline(settings_.server_conninfo, sysid, stop_);
             },
             stop_});
        for (const ConflictRow& row : ledger_->conflicts(false)) result_.conflicts += !known.contains(row.id);
        if (result_.conflicts > 0) {
            outcome_.report(console::exit_code::integrity,
                            "conflict: duplicate segments with different content were found; see `walferry "
                            "conflicts`, then "
                            "`walferry settle`");
        }
    }

    const Settings& settings_;
    console::Outcome& outcome_;
    const std::stop_token stop_;
    const std::function<void(const std::string&)>& show_;
    const SpoolPaths spool_;
    SpoolLock lock_;
    SpoolScan scan_;
    std::unique_ptr<Ledger> ledger_;
    std::vector<StoreRow> stores_;
    archive::ListedArchive archive_;
    RebuildResult result_;
};

}  // namespace

RebuildResult rebuild_ledger(const Settings& settings, const RebuildOptions& options,
                             console::Outcome& outcome, const std::stop_token& stop,
                             const std::function<void(const std::string&)>& say_progress) {
    return Rebuild(settings, outcome, stop, say_progress).run(options);
}

}  // namespace walferry::rebuild
