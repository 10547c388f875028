#include "maintenance/expire/listed_store.hpp"

#include <algorithm>
#include <charconv>

#include "archive/history_read.hpp"
#include "archive/listed_archive.hpp"
#include "archive/plain_read.hpp"
#include "archive/settlements.hpp"
#include "archive/stored_indexes.hpp"
#include "archive/wal_listing.hpp"
#include "common/codec/backup_begin.hpp"
#include "common/codec/backup_index.hpp"
#include "common/error.hpp"
#include "common/store/listing.hpp"

namespace walferry::expire {
namespace {

/// The start of a backup, as its ID says it: "20261124T121314Z-1a2b3c4d".
WallTime started_at(const BackupId& id) {
    const std::string& t = id.text;
    const std::string text = t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 2) + "T" +
                             t.substr(9, 2) + ":" + t.substr(11, 2) + ":" + t.substr(13, 2) + ".000Z";
    return parse_time(text).value_or(WallTime{});
}

/// What the listing shows of one backup.
struct Folder {
    BackupId id;
    std::vector<std::uint32_t> objects;  // all that lie in it
    std::vector<std::pair<IndexName, std::uint32_t>> indexes;
    std::vector<std::pair<BeginName, std::uint32_t>> begins;
    bool labelled = false;
};

class Reader {
  public:
    Reader(ObjectStore& store, const ObjectKeys& keys, const HostKnowledge& host,
           const std::function<void(const std::string&)>& show)
        : store_(store), keys_(keys), host_(host), show_(show) {}

    ListedStore read() {
        list_backups();
        list_wal();
        read_indexes();
        if (cluster_.trouble.empty()) settle_segment_size();
        read_backups();
        read_histories();
        read_settlements();
        show_("reading marks and holds");
        listed_.holds = read_holds(store_, keys_, host_.trust);
        SeenMarks marks = read_marks(store_, keys_, host_.trust, cluster_.segment_size);
        cluster_.marks = std::move(marks.marks);
        listed_.mark_keys = std::move(marks.keys);
        return std::move(listed_);
    }

  private:
    void trouble(const std::string& what) {
        if (cluster_.trouble.empty()) cluster_.trouble = what;
    }

    WallTime modified(const ObjectInfo& info) {
        if (!info.modified) trouble("the store does not say when it got " + info.key);
        return info.modified.value_or(WallTime{});
    }

    std::uint32_t add_object(const ObjectInfo& info) {
        cluster_.objects.push_back({info.key, info.size, modified(info)});
        return static_cast<std::uint32_t>(cluster_.objects.size() - 1);
    }

    /// First the backups: what is put meanwhile is younger than the listing, and a new folder tells of it.
    void list_backups() {
        show_("listing backups");
        for (const std::string part : {"backup/", "piece/"}) {
            const std::string root = keys_.root() + part;
            for (const ObjectInfo& info : Listing(store_, root)) {
                const std::uint32_t object = add_object(info);
                const std::string_view rest = std::string_view(info.key).substr(root.size());
                const std::size_t slash = rest.find('/');
                const auto id = BackupId::parse(rest.substr(0, slash));
                if (part == "backup/" && id && slash != rest.npos)
                    note(*id, object, rest.substr(slash + 1));
                else if (part == "backup/")
                    foreign(info.key);
            }
        }
    }

    void note(const BackupId& id, std::uint32_t object, std::string_view name) {
        if (folders_.empty() || folders_.back().id != id) {
            folders_.push_back({id, {}, {}, {}});
            listed_.folders.insert(id.text);
        }
        Folder& folder = folders_.back();
        folder.objects.push_back(object);
        const std::string& key = cluster_.objects[object].key;
        if (auto index = IndexName::parse(name)) {
            folder.indexes.emplace_back(*index, object);
            listed_.index_keys[id.text].push_back(key);
        } else if (auto begin = BeginName::parse(name)) {
            folder.begins.emplace_back(*begin, object);
        } else if (const auto parsed = ObjectName::parse_backup(name)) {
            if (parsed->segment != BackupPart::label_stream) return;
            folder.labelled = true;
            listed_.label_keys[id.text].push_back(key);
        } else {
            foreign(key);
        }
    }

    /// It is left alone: an orphan is only what walferry may have put there.
    void foreign(const std::string& key) {
        ++listed_.unknown;
        foreign_.insert(key);
    }

    void list_wal() {
        show_("listing WAL");
        const std::string root = keys_.root() + "wal/";
        for (const ObjectInfo& info : Listing(store_, root)) {
            const std::string_view rest = std::string_view(info.key).substr(root.size());
            const auto object = rest.size() > 9 ? ObjectName::parse(rest.substr(9)) : std::nullopt;
            const auto name = object ? WalName::parse(object->segment) : std::nullopt;
            if (!name || rest.substr(0, 9) != std::string(name->timeline_digits()) + "/") {
                ++listed_.unknown;
                continue;
            }
            WalFile file;
            file.content = archive::short_content(object->fingerprint);
            file.modified = modified(info);
            file.timeline = name->timeline;
            file.size = static_cast<std::uint32_t>(std::min<std::uint64_t>(info.size, UINT32_MAX));
            file.kind = name->kind;
            cluster_.wal.push_back(file);
            listed_.wal_keys.emplace_back(*name, *object);
            if (name->kind == WalKind::segment) size_guess_.see(*name);
            if (name->kind == WalKind::history) histories_.push_back(*object);
        }
    }

    void read_indexes() {
        show_("reading indexes");
        const archive::IndexOwner anyone{host_.trust.cluster, host_.trust.system_identifier, {}};
        for (const Folder& folder : folders_) {
            std::vector<BackupIndex> found;
            for (const auto& [name, object] : folder.indexes) {
                try {
                    found.push_back(archive::read_index(store_, keys_, folder.id, name, anyone));
                } catch (const Error& error) {
                    if (error.kind() != ErrorKind::integrity) throw;
                    trouble("the index " + cluster_.objects[object].key + " cannot be used (" +
                            error.message() + "), so it is not known what its backup needs");
                }
            }
            if (found.size() > 1) prefer_signed(found);
            if (found.size() > 1)
                trouble("backup " + folder.id.text + " has " + std::to_string(found.size()) + " indexes");
            if (!found.empty()) indexes_.emplace(folder.id.text, std::move(found.front()));
        }
    }

    void prefer_signed(std::vector<BackupIndex>& found) const {
        const auto trusted = [&](const BackupIndex& index) { return why_uncounted(index).empty(); };
        if (std::any_of(found.begin(), found.end(), trusted))
            std::erase_if(found, [&](const BackupIndex& index) { return !trusted(index); });
    }

    std::string why_uncounted(const BackupIndex& index) const {
        if (host_.trust.writers.empty()) {
            if (host_.own_backups.contains(index.id.text)) return {};
            return "this host's ledger does not know that it made it, and there are no trusted_writers whose "
                   "signature would count";
        }
        try {
            check_signature(index, host_.trust.writers);
            return {};
        } catch (const Error& error) {
            return error.message();
        }
    }

    void settle_segment_size() {
        for (const auto& [id, index] : indexes_) {
            if (!why_uncounted(index).empty()) continue;
            if (cluster_.segment_size != 0 && cluster_.segment_size != index.segment_size)
                trouble("its backups have segments of different sizes");
            cluster_.segment_size = index.segment_size;
        }
        if (cluster_.segment_size == 0) cluster_.segment_size = size_guess_.size();
    }

    std::uint64_t number_at(std::uint64_t position) const {
        const std::uint64_t per_log = (std::uint64_t{1} << 32) / cluster_.segment_size;
        return (position >> 32) * per_log + (position & 0xffffffff);
    }

    std::uint64_t number_of(const std::string& segment) {
        const auto name = WalName::parse(segment);
        const auto start = name ? name->start_lsn(cluster_.segment_size) : std::nullopt;
        if (!start) trouble("segment " + segment + " is of another size than the cluster's segments");
        return start.value_or(0) / cluster_.segment_size;
    }

    void read_backups() {
        if (cluster_.segment_size == 0) cluster_.segment_size = size_guess_.size();
        for (std::size_t i = 0; i < cluster_.wal.size(); ++i)
            cluster_.wal[i].number = number_at(listed_.wal_keys[i].position());
        std::map<std::string_view, std::uint32_t> by_key;
        for (std::uint32_t i = 0; i < cluster_.objects.size(); ++i)
            by_key.emplace(cluster_.objects[i].key, i);
        for (const Folder& folder : folders_) {
            read_begins(folder);
            const auto index = indexes_.find(folder.id.text);
            // Pieces without a label and an index are orphans, one by one.
            if (index == indexes_.end() && !folder.labelled) continue;
            Backup backup;
            backup.id = folder.id;
            backup.labelled = folder.labelled;
            backup.started = started_at(folder.id);
            backup.objects = folder.objects;
            for (const std::uint32_t object : folder.objects)
                backup.put = std::max(backup.put, cluster_.objects[object].modified);
            if (index != indexes_.end()) describe(backup, index->second, folder, by_key);
            cluster_.backups.push_back(std::move(backup));
        }
        drop_foreign();
    }

    void describe(Backup& backup, const BackupIndex& index, const Folder& folder,
                  const std::map<std::string_view, std::uint32_t>& by_key) {
        backup.uncounted = why_uncounted(index);
        backup.counted = backup.uncounted.empty();
        // Of those that do not count, one that makes no sense is as one without an index.
        if (!backup.counted && index.segment_size != cluster_.segment_size) return;
        backup.indexed = true;
        backup.made_by = index.writer;
        backup.timeline = index.timeline;
        backup.first = number_of(index.first_segment);
        backup.last = number_of(index.last_segment);
        backup.started = parse_time(index.started_at).value_or(backup.started);
        backup.stopped = parse_time(index.stopped_at).value_or(WallTime{});
        if (!folder.indexes.empty()) backup.put = cluster_.objects[folder.indexes.front().second].modified;
        std::set<std::uint32_t> objects(folder.objects.begin(), folder.objects.end());
        for (const BackupIndex::Object& object : index.objects) {
            const auto found = by_key.find(keys_.root() + object.key);
            if (found == by_key.end())
                ++backup.missing;
            else
                objects.insert(found->second);
        }
        if (!index.complete) ++backup.missing;
        backup.objects.assign(objects.begin(), objects.end());
    }

    void read_begins(const Folder& folder) {
        for (const auto& [name, object] : folder.begins) {
            Begin begin;
            begin.id = folder.id;
            begin.made = cluster_.objects[object].modified;
            try {
                const BackupBegin said = parse_backup_begin(archive::read_plain(
                    store_, cluster_.objects[object].key, name.sha256, max_backup_begin_size));
                check_signature(said, host_.trust.writers);
                begin.first = number_of(said.first_segment);
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::not_found) continue;  // the backup has ended
                if (error.kind() != ErrorKind::integrity) throw;
                listed_.notes.push_back(cluster_.objects[object].key +
                                        " counts for nothing: " + error.message());
                continue;
            }
            cluster_.begins.push_back(begin);
        }
    }

    /// What walferry did not put is no orphan of its own.
    void drop_foreign() {
        if (foreign_.empty()) return;
        std::vector<std::uint32_t> named(cluster_.objects.size());
        std::vector<StoredObject> objects;
        std::vector<std::uint32_t> moved(cluster_.objects.size(), UINT32_MAX);
        for (std::uint32_t i = 0; i < cluster_.objects.size(); ++i) {
            if (foreign_.contains(cluster_.objects[i].key)) continue;
            moved[i] = static_cast<std::uint32_t>(objects.size());
            objects.push_back(cluster_.objects[i]);
        }
        for (Backup& backup : cluster_.backups) {
            std::vector<std::uint32_t> kept;
            for (const std::uint32_t object : backup.objects) {
                if (moved[object] != UINT32_MAX) kept.push_back(moved[object]);
            }
            backup.objects = std::move(kept);
        }
        cluster_.objects = std::move(objects);
    }

    void read_histories() {
        std::set<std::uint32_t> read;
        for (const ObjectName& object : histories_) {
            const WalName name = *WalName::parse(object.segment);
            if (!host_.decoding) break;
            try {
                cluster_.histories.push_back(archive::read_history(
                    store_, keys_, object, host_.trust.system_identifier, *host_.decoding));
                read.insert(name.timeline);
            } catch (const Error& error) {
                if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::config) throw;
                listed_.notes.push_back(object.segment + " cannot be read: " + error.message());
            }
        }
        for (const auto& [timeline, text] : host_.histories) {
            if (read.contains(timeline)) continue;
            try {
                cluster_.histories.push_back(TimelineHistory::parse(timeline, text));
            } catch (const Error& error) {
                listed_.notes.push_back("the ledger's copy of a history file cannot be used: " +
                                        error.message());
            }
        }
    }

    void read_settlements() {
        for (const auto& [segment, names] : archive::list_settlements(store_, keys_)) {
            const WalName name = *WalName::parse(segment);
            if (name.kind != WalKind::segment) continue;
            const archive::Settled settled =
                archive::settled_by(store_, keys_, host_.trust.system_identifier, names, host_.trust.writers);
            for (const std::string& content : settled.contents)
                cluster_.settled[{name.timeline, std::uint64_t{name.log} << 32 | name.seg}].insert(
                    archive::short_content(content));
        }
    }

    ObjectStore& store_;
    const ObjectKeys& keys_;
    const HostKnowledge& host_;
    const std::function<void(const std::string&)>& show_;
    ListedStore listed_;
    StoredCluster& cluster_ = listed_.cluster;
    std::vector<Folder> folders_;
    std::map<std::string, BackupIndex> indexes_;  // by backup
    std::vector<ObjectName> histories_;
    std::set<std::string> foreign_;
    archive::SegmentSizeGuess size_guess_;
};

}  // namespace

ListedStore list_store(ObjectStore& store, const ObjectKeys& keys, const HostKnowledge& host,
                       const std::function<void(const std::string&)>& show) {
    return Reader(store, keys, host, show).read();
}

}  // namespace walferry::expire
