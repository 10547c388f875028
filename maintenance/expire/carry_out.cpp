#include "maintenance/expire/carry_out.hpp"

#include <algorithm>
#include <set>

#include "archive/expired_wal.hpp"
#include "common/codec/expiry_mark.hpp"
#include "common/error.hpp"
#include "common/store/expiry_names.hpp"
#include "common/store/listing.hpp"
#include "maintenance/expire/kept_wal.hpp"
#include "maintenance/expire/remover.hpp"
#include "transfer/plain_object.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::expire {
namespace {

constexpr std::size_t batch_size = 1000;

class Work {
  public:
    Work(const StoreAtWork& at, const ListedStore& listed, const Plan& plan, Done& done)
        : at_(at),
          listed_(listed),
          cluster_(listed.cluster),
          plan_(plan),
          done_(done),
          remover_(at.open, at.keys.root(), at.connections, at.stop) {}

    void run() {
        try {
            withdraw();
            put_marks();
            if (plan_.amount(Fate::remove).objects > 0) remove();
        } catch (...) {
            tell();
            throw;
        }
        tell();
    }

  private:
    void tell() {
        done_.removed = remover_.removed;
        done_.locked = remover_.locked;
        done_.locked_why = remover_.locked_why;
    }

    void withdraw() {
        std::set<std::size_t> marks(plan_.withdrawn.begin(), plan_.withdrawn.end());
        done_.withdrawn = marks.size();
        marks.insert(plan_.spent.begin(), plan_.spent.end());
        for (const std::size_t mark : marks) remover_.remove(listed_.mark_keys[mark], 0);
    }

    ExpiryMark new_mark() const {
        ExpiryMark mark;
        mark.cluster = at_.trust.cluster;
        mark.system_identifier = at_.trust.system_identifier;
        mark.store = at_.store;
        mark.policy = at_.policy;
        mark.made_at = format_time(wall_now());
        return mark;
    }

    void put(ExpiryMark mark) {
        put_in(marks_directory(at_.keys), std::move(mark));
        ++done_.marks;
    }

    /// Returns its key.
    std::string put_in(const std::string& folder, ExpiryMark mark) {
        if (at_.writer != nullptr) sign_mark(mark, *at_.writer);
        const transfer::PlainObject object(mark_json(mark));
        const MarkName name{mark.what(), object.sha256().substr(0, 32)};
        std::string key = folder + name.text();
        transfer::put_verified(remover_.store(), object.at(key),
                               {"store " + at_.store + ": " + key, "the next run goes on", at_.stop});
        return key;
    }

    void put_marks() {
        at_.show("marking");
        for (std::size_t i = 0; i < cluster_.backups.size(); ++i) {
            if (plan_.backups[i].fate != Fate::mark) continue;
            ExpiryMark mark = new_mark();
            mark.backup = cluster_.backups[i].id;
            put(std::move(mark));
        }
        put_wal_marks();
        ExpiryMark keys = new_mark();
        for (const std::string& key : orphans_to_mark()) {
            keys.keys.push_back(key);
            if (keys.keys.size() == most_marked) put(std::exchange(keys, new_mark()));
        }
        if (!keys.keys.empty()) put(std::move(keys));
    }

    std::vector<std::string> orphans_to_mark() const {
        std::vector<std::string> keys;
        for (std::size_t i = 0; i < cluster_.objects.size(); ++i) {
            if (plan_.objects[i].fate == Fate::mark)
                keys.push_back(cluster_.objects[i].key.substr(at_.keys.root().size()));
        }
        std::sort(keys.begin(), keys.end());
        return keys;
    }

    std::string segment(std::uint32_t timeline, std::uint64_t number) const {
        return WalName::segment_at(timeline, number * cluster_.segment_size, cluster_.segment_size).text;
    }

    void put_wal_marks() {
        std::vector<WalRun> runs;
        for (std::size_t i = 0; i < cluster_.wal.size(); ++i) {
            if (plan_.wal[i].fate != Fate::mark) continue;
            const WalFile& file = cluster_.wal[i];
            if (!runs.empty() && runs.back().timeline == file.timeline && file.number <= runs.back().last + 1)
                runs.back().last = file.number;
            else
                runs.push_back({file.timeline, file.number, file.number});
        }
        ExpiryMark mark = new_mark();
        for (const WalRun& run : runs) {
            mark.wal.emplace_back(segment(run.timeline, run.first), segment(run.timeline, run.last));
            if (mark.wal.size() == most_marked) put(std::exchange(mark, new_mark()));
        }
        if (!mark.wal.empty()) put(std::move(mark));
    }

    /// What came since the listing may need what the plan lets go.
    void require_unchanged() {
        for (const std::string& folder : list_folders(remover_.store(), at_.keys.backups_directory())) {
            if (!listed_.folders.contains(folder))
                throw Error(ErrorKind::incomplete,
                            "store " + at_.store + ": backup " + folder +
                                " has begun meanwhile, so nothing more is removed now",
                            "the next run goes on");
        }
        const SeenHolds now = read_holds(remover_.store(), at_.keys, at_.trust);
        for (const auto& [sha256, hold] : now.holds) {
            if (!listed_.holds.holds.contains(sha256))
                throw Error(ErrorKind::incomplete,
                            "store " + at_.store + ": backup " + hold.backup.text +
                                " was held meanwhile, so nothing more is removed now",
                            "the next run goes on");
        }
    }

    void remove() {
        at_.show("removing");
        for (std::size_t i = 0; i < cluster_.backups.size(); ++i) {
            if (plan_.backups[i].fate != Fate::remove) continue;
            require_unchanged();
            if (remove_backup(cluster_.backups[i]))
                ++done_.backups;
            else
                keep(cluster_.backups[i]);
        }
        kept_wal_.finish();
        remove_objects();
        remove_wal();
    }

    /// False: its label or its index is still there, so the rest has to stay as well.
    bool remove_backup(const Backup& backup) {
        for (std::size_t mark = 0; mark < cluster_.marks.size(); ++mark) {
            if (cluster_.marks[mark].backup == backup.id) remover_.remove(listed_.mark_keys[mark], 0);
        }
        for (const auto* keys : {&listed_.label_keys, &listed_.index_keys}) {
            const auto found = keys->find(backup.id.text);
            if (found == keys->end()) continue;
            for (const std::string& key : found->second) {
                if (!remover_.remove(key, size_of(backup, key))) return false;
                gone_.insert(key);
            }
        }
        return true;
    }

    std::uint64_t size_of(const Backup& backup, const std::string& key) const {
        for (const std::uint32_t object : backup.objects) {
            if (cluster_.objects[object].key == key) return cluster_.objects[object].size;
        }
        return 0;
    }

    void keep(const Backup& backup) {
        kept_objects_.insert(backup.objects.begin(), backup.objects.end());
        if (backup.indexed)
            kept_wal_.keep({backup.timeline, backup.first, backup.last}, "its backup is still there");
    }

    void remove_objects() {
        Batch batch;
        for (std::uint32_t i = 0; i < cluster_.objects.size(); ++i) {
            const StoredObject& object = cluster_.objects[i];
            if (plan_.objects[i].fate != Fate::remove || kept_objects_.contains(i) ||
                gone_.contains(object.key))
                continue;
            batch.emplace_back(object.key, object.size);
            if (batch.size() == batch_size) remove_batch(batch);
        }
        remove_batch(batch);
    }

    /// Written down before any of it goes, so that what has expired is not taken for lost, and not brought
    /// back. The records of earlier runs become one with this one.
    void record_wal() {
        const archive::ExpiredWal earlier(remover_.store(), at_.keys, at_.trust.system_identifier,
                                          at_.trust.writers);
        std::vector<WalRun> runs;
        for (const auto& [first, last] : earlier.runs()) runs.push_back(run_of(first, last));
        for (std::size_t i = 0; i < cluster_.wal.size(); ++i) {
            const WalFile& file = cluster_.wal[i];
            if (goes(i)) runs.push_back({file.timeline, file.number, file.number});
        }
        std::sort(runs.begin(), runs.end(), [](const WalRun& a, const WalRun& b) {
            return std::pair(a.timeline, a.first) < std::pair(b.timeline, b.first);
        });
        std::vector<WalRun> joined;
        for (const WalRun& run : runs) {
            if (!joined.empty() && joined.back().timeline == run.timeline &&
                run.first <= joined.back().last + 1)
                joined.back().last = std::max(joined.back().last, run.last);
            else
                joined.push_back(run);
        }
        std::set<std::string> put;
        ExpiryMark record = new_mark();
        for (const WalRun& run : joined) {
            record.wal.emplace_back(segment(run.timeline, run.first), segment(run.timeline, run.last));
            if (record.wal.size() == most_marked)
                put.insert(put_in(expired_directory(at_.keys), std::exchange(record, new_mark())));
        }
        if (!record.wal.empty()) put.insert(put_in(expired_directory(at_.keys), std::move(record)));
        for (const std::string& key : earlier.keys()) {
            if (!put.contains(key)) remover_.remove(key, 0);
        }
    }

    WalRun run_of(const std::string& first, const std::string& last) const {
        const auto number = [&](const std::string& name) {
            return WalName::parse(name)->start_lsn(cluster_.segment_size).value_or(0) / cluster_.segment_size;
        };
        return {WalName::parse(first)->timeline, number(first), number(last)};
    }

    bool goes(std::size_t file) const {
        return plan_.wal[file].fate == Fate::remove && !kept_wal_.find(cluster_.wal[file]);
    }

    void remove_wal() {
        bool any = false;
        for (std::size_t i = 0; i < cluster_.wal.size() && !any; ++i) any = goes(i);
        if (!any) return;
        require_unchanged();
        record_wal();
        Batch batch;
        for (std::size_t i = 0; i < cluster_.wal.size(); ++i) {
            const WalFile& file = cluster_.wal[i];
            if (!goes(i)) continue;
            batch.emplace_back(listed_.wal_keys[i].key(at_.keys), file.size);
            if (batch.size() == batch_size) remove_batch(batch);
        }
        remove_batch(batch);
    }

    using Batch = std::vector<std::pair<std::string, std::uint64_t>>;

    void remove_batch(Batch& batch) {
        if (batch.empty()) return;
        require_unchanged();
        remover_.remove_all(batch);
        batch.clear();
    }

    const StoreAtWork& at_;
    const ListedStore& listed_;
    const StoredCluster& cluster_;
    const Plan& plan_;
    Done& done_;
    Remover remover_;
    std::set<std::uint32_t> kept_objects_;
    std::set<std::string> gone_;
    KeptWal kept_wal_;
};

}  // namespace

void carry_out(const StoreAtWork& at, const ListedStore& listed, const Plan& plan, Done& done) {
    if (!plan.blocked.empty()) return;
    Work(at, listed, plan, done).run();
}

}  // namespace walferry::expire
