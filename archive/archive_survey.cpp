#include "archive/archive_survey.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>
#include <set>
#include <thread>

#include "archive/archive_view.hpp"
#include "archive/envelope_read.hpp"
#include "archive/history_read.hpp"
#include "archive/marked_backups.hpp"
#include "archive/object_read.hpp"
#include "common/codec/envelope.hpp"
#include "common/errors_only.hpp"
#include "common/spool/spool_scan.hpp"

namespace walferry::archive {
namespace {

void append(HeldSegments& all, const HeldSegments& more) {
    for (const auto& [timeline, segments] : more) {
        auto& into = all[timeline];
        into.insert(into.end(), segments.begin(), segments.end());
    }
}

/// The same positions, but for those that are held already: of a spooled file only the name is known.
void append_missing(HeldSegments& all, const HeldSegments& more) {
    for (const auto& [timeline, segments] : more) {
        auto& into = all[timeline];
        std::sort(into.begin(), into.end());
        const auto held = static_cast<std::ptrdiff_t>(into.size());
        for (const HeldSegment& segment : segments) {
            const auto at =
                std::lower_bound(into.begin(), into.begin() + held, HeldSegment{segment.position, 0});
            if (at == into.begin() + held || at->position != segment.position) into.push_back(segment);
        }
    }
}

}  // namespace

const Reach* SurveyedBackup::reach(std::uint32_t timeline) const noexcept {
    for (const Reach& reach : together.timelines) {
        if (reach.timeline == timeline) return &reach;
    }
    return nullptr;
}

bool SurveyedBackup::marked() const noexcept {
    return !copies.empty() &&
           std::none_of(copies.begin(), copies.end(), [](const Copy& copy) { return copy.marked.empty(); });
}

ArchiveSurvey::ArchiveSurvey(const Settings& settings, SurveyOptions options)
    : settings_(settings), options_(std::move(options)), decoding_(decode_options(settings)) {
    for (const StoreSettings* store : select_stores(settings, options_.stores))
        stores_.emplace_back().settings = store;
    sysid_ = options_.system_identifier
                 ? *options_.system_identifier
                 : ArchiveView(settings, ViewOptions{options_.stores, {}, false}).system_identifier();
    on_every_store("looking for backups", [this](Store& store) {
        store.keys.emplace(store.settings->prefix, settings_.cluster, sysid_);
        store.connection = open_store(*store.settings, StoreAccess::restore, nullptr, options_.stop);
        store.backups = list_backups(*store.connection, *store.keys, settings_.cluster, sysid_, decoding_);
        store.marked = marked_backups(*store.connection, *store.keys, sysid_, settings_.trusted_writers);
        store.expired = ExpiredWal(*store.connection, *store.keys, sysid_, settings_.trusted_writers);
    });
    merge_backups();
    std::uint64_t from = UINT64_MAX;
    for (const SurveyedBackup& backup : backups_) {
        const WalName name =
            WalName::segment_at(backup.label.timeline, backup.label.start_lsn, backup.label.segment_size);
        from = std::min(from, std::uint64_t{name.log} << 32 | name.seg);
    }
    on_every_store("looking for WAL", [&](Store& store) {
        store.wal = list_wal(*store.connection, *store.keys, sysid_, from, settings_);
    });
    drop_settlements_of_nothing();
    read_histories();
    measure();
}

void ArchiveSurvey::on_every_store(const std::string& doing, const std::function<void(Store&)>& step) {
    if (options_.show) options_.show(doing);
    std::vector<std::jthread> threads;
    for (Store& store : stores_) {
        if (store.trouble) continue;
        threads.emplace_back([&store, &step] {
            try {
                errors_only([&] { step(store); });
            } catch (const Error& error) {
                store.trouble = error;
            }
        });
    }
    threads.clear();
    const bool answered =
        std::any_of(stores_.begin(), stores_.end(), [](const Store& store) { return !store.trouble; });
    if (!answered) throw *stores_.back().trouble;
}

bool ArchiveSurvey::has_expired(const std::string& segment) const {
    return std::any_of(stores_.begin(), stores_.end(),
                       [&](const Store& store) { return store.expired.covers(segment); });
}

void ArchiveSurvey::merge_backups() {
    std::map<BackupId, SurveyedBackup> merged;
    std::set<std::string> unfinished;
    std::set<BackupId> disputed;
    for (std::size_t i = 0; i < stores_.size(); ++i) {
        for (StoredBackup& stored : stores_[i].backups) {
            const std::string which = "backup " + stored.id.text + " in store " + stores_[i].settings->name;
            if (!stored.problem.empty()) problems_.push_back(which + ": " + stored.problem);
            if (!stored.label && stored.problem.empty()) unfinished.insert(stored.id.text);
            if (!stored.label) continue;
            auto [found, fresh] = merged.try_emplace(stored.id);
            SurveyedBackup& backup = found->second;
            if (fresh) {
                backup.label = std::move(*stored.label);
                backup.label_object = stored.label_object;
                backup.missing_pieces = stored.missing;
            } else if (stored.label != backup.label) {
                problems_.push_back(which + ": its label differs from that of another store");
                disputed.insert(stored.id);
            }
            const auto mark = stores_[i].marked.find(stored.id);
            backup.copies.push_back(
                {i, stored.missing, mark == stores_[i].marked.end() ? std::string() : mark->second});
            backup.missing_pieces = std::min(backup.missing_pieces, stored.missing);
        }
    }
    for (auto& [id, backup] : merged) {
        unfinished.erase(id.text);
        if (!disputed.contains(id)) backups_.push_back(std::move(backup));
    }
    // By the WAL, not by the name: that holds the time of a clock that may have been wrong.
    std::stable_sort(backups_.begin(), backups_.end(), [](const SurveyedBackup& a, const SurveyedBackup& b) {
        return std::pair(a.label.timeline, a.label.start_lsn) <
               std::pair(b.label.timeline, b.label.start_lsn);
    });
    unfinished_.assign(unfinished.begin(), unfinished.end());
}

// As `judge` does: a settlement for a content that no store shows counts for nothing where every store that
// is configured, less those of --without, has answered.
void ArchiveSurvey::drop_settlements_of_nothing() {
    for (const Store& store : stores_) {
        for (const std::string& line : store.wal.refused_settlements)
            problems_.push_back("store " + store.settings->name + ": " + line);
    }
    const bool all = options_.stores.asks_all() &&
                     std::none_of(stores_.begin(), stores_.end(),
                                  [](const Store& store) { return store.trouble.has_value(); });
    const bool any = std::any_of(stores_.begin(), stores_.end(), [](const Store& store) {
        return !store.wal.settled.empty() || !store.wal.settled_histories.empty();
    });
    if (!all || !any) return;
    std::set<std::pair<std::uint32_t, std::string>> histories;
    std::map<std::uint32_t, std::vector<HeldSegment>> segments;
    for (Store& store : stores_) {
        append(segments, store.wal.segments);
        for (const auto& [timeline, objects] : store.wal.histories) {
            for (const ObjectName& object : objects) histories.emplace(timeline, object.fingerprint);
        }
    }
    for (auto& [timeline, held] : segments) std::sort(held.begin(), held.end());
    for (Store& store : stores_) {
        for (auto& [where, contents] : store.wal.settled) {
            const auto& held = segments[where.first];
            std::erase_if(contents, [&held, number = where.second](std::uint64_t content) {
                return !std::binary_search(held.begin(), held.end(), HeldSegment{number, content});
            });
        }
        std::erase_if(store.wal.settled, [](const auto& entry) { return entry.second.empty(); });
        for (auto& [timeline, contents] : store.wal.settled_histories) {
            std::erase_if(contents, [&histories, number = timeline](const std::string& content) {
                return !histories.contains({number, content});
            });
        }
    }
}

void ArchiveSurvey::read_histories() {
    std::set<std::uint32_t> timelines;
    for (const Store& store : stores_) {
        for (const auto& [timeline, objects] : store.wal.histories) timelines.insert(timeline);
    }
    for (const std::uint32_t timeline : timelines) {
        try {
            read_history(timeline);
        } catch (const Error& error) {
            problems_.push_back(error.message());
        }
    }
}

void ArchiveSurvey::read_history(std::uint32_t timeline) {
    std::set<std::string> contents;
    std::set<std::string> settled;
    std::string name;
    for (const Store& store : stores_) {
        const auto objects = store.wal.histories.find(timeline);
        if (objects != store.wal.histories.end()) {
            for (const ObjectName& object : objects->second) contents.insert(object.fingerprint);
            name = objects->second.front().segment;
        }
        const auto chosen = store.wal.settled_histories.find(timeline);
        if (chosen != store.wal.settled_histories.end())
            settled.insert(chosen->second.begin(), chosen->second.end());
    }
    if (settled.size() == 1) contents = settled;
    if (settled.empty() && contents.size() > 1) {
        if (const auto trusted = trusted_content(*WalName::parse(name))) contents = {*trusted};
    }
    if (contents.size() != 1 || settled.size() > 1)
        throw Error(ErrorKind::conflict, name + " is archived with different contents, and none was settled");
    std::optional<Error> trouble;
    for (const Store& store : stores_) {
        const auto objects = store.wal.histories.find(timeline);
        if (store.trouble || objects == store.wal.histories.end()) continue;
        for (const ObjectName& object : objects->second) {
            if (object.fingerprint != *contents.begin()) continue;
            try {
                histories_.push_back(
                    archive::read_history(*store.connection, *store.keys, object, sysid_, decoding_));
                return;
            } catch (const Error& error) {
                trouble =
                    Error(error.kind(), name + " in store " + store.settings->name + ": " + error.message());
            }
        }
    }
    if (trouble) throw *trouble;
}

ListedWal ArchiveSurvey::waiting_in_spool() {
    ListedWal waiting;
    if (!options_.stores.asks_all()) return waiting;
    try {
        for (const SpoolFile& file : scan_spool(SpoolPaths(settings_.spool)).files) {
            if (file.system_identifier != sysid_ || !file.name.has_header()) continue;
            HeldSegments& held = file.name.kind == WalKind::segment ? waiting.segments : waiting.partials;
            held[file.name.timeline].push_back({std::uint64_t{file.name.log} << 32 | file.name.seg, 0});
            spooled_at_[file.name.text] = format_time(file.modified);
        }
    } catch (const Error&) {
        waiting = {};  // a host that restores may have no spool
    }
    return waiting;
}

void ArchiveSurvey::measure() {
    std::map<std::uint64_t, UsableWal> together;
    std::map<std::pair<std::size_t, std::uint64_t>, UsableWal> each;
    HeldSegments all;
    HeldSegments partials;
    SettledSegments settled;
    for (Store& store : stores_) {
        for (HeldSegments* held : {&store.wal.segments, &store.wal.partials}) {
            for (auto& [timeline, segments] : *held) std::sort(segments.begin(), segments.end());
        }
        if (store.trouble) continue;
        append(all, store.wal.segments);
        append(partials, store.wal.partials);
    }
    settle_by_writers(all);
    for (const Store& store : stores_) {
        if (store.trouble) continue;
        for (const auto& [name, contents] : store.wal.settled)
            settled[name].insert(contents.begin(), contents.end());
    }
    const ListedWal waiting = waiting_in_spool();
    append_missing(all, waiting.segments);
    append_missing(partials, waiting.partials);
    std::set<std::string> conflicts;
    std::set<std::string> diverging;
    std::map<std::uint64_t, SegmentPlaces> divergent;
    std::map<std::uint64_t, PartialReach> reach;
    for (SurveyedBackup& backup : backups_) {
        const std::uint64_t size = backup.label.segment_size;
        if (!together.contains(size)) {
            divergent.emplace(size, divergent_places(all, size));
            reach.emplace(size, partial_reach(partials, size));
            together.emplace(size,
                             usable_wal(all, settled, size, partials, divergent.at(size), reach.at(size)));
            for (const auto& [timeline, numbers] : together.at(size).divergent) {
                for (const std::uint64_t number : numbers)
                    diverging.insert(together.at(size).name(timeline, number).text);
            }
        }
        backup.together = {"", reaches(histories_, backup.point(), together.at(size))};
        conflicts.insert(together.at(size).conflicts.begin(), together.at(size).conflicts.end());
        for (std::size_t i = 0; i < stores_.size(); ++i) {
            if (stores_[i].trouble) continue;
            const std::pair key(i, size);
            if (!each.contains(key))
                each.emplace(key, usable_wal(stores_[i].wal.segments, stores_[i].wal.settled, size,
                                             stores_[i].wal.partials, divergent.at(size), reach.at(size)));
            backup.each.push_back(
                {stores_[i].settings->name, reaches(histories_, backup.point(), each.at(key))});
        }
    }
    conflicts_.assign(conflicts.begin(), conflicts.end());
    divergent_.assign(diverging.begin(), diverging.end());
}

std::vector<std::string> ArchiveSurvey::silent_stores() const {
    std::vector<std::string> names;
    for (const Store& store : stores_) {
        if (store.trouble) names.push_back(store.settings->name);
    }
    return names;
}

std::optional<std::uint64_t> ArchiveSurvey::content(const WalName& name) const {
    if (waits_in_spool(name)) return std::nullopt;
    const std::uint64_t position = std::uint64_t{name.log} << 32 | name.seg;
    std::set<std::uint64_t> contents, settled;
    for (const Store& store : stores_) {
        if (store.trouble) continue;
        const HeldSegments& all = name.kind == WalKind::partial ? store.wal.partials : store.wal.segments;
        if (const auto held = all.find(name.timeline); held != all.end()) {
            // In ascending order (measure).
            for (auto at =
                     std::lower_bound(held->second.begin(), held->second.end(), HeldSegment{position, 0});
                 at != held->second.end() && at->position == position; ++at)
                contents.insert(at->content);
        }
        const auto chosen = store.wal.settled.find({name.timeline, position});
        if (chosen != store.wal.settled.end() && name.kind == WalKind::segment)
            settled.insert(chosen->second.begin(), chosen->second.end());
    }
    if (contents.size() > 1 && !settled.empty())
        std::erase_if(contents, [&](std::uint64_t each) { return !settled.contains(each); });
    return contents.size() == 1 ? std::optional(*contents.begin()) : std::nullopt;
}

/// Of each content that the first store gives back which has any.
std::vector<Envelope> ArchiveSurvey::envelopes(const WalName& segment) {
    std::vector<Envelope> found;
    for (const Store& store : stores_) {
        if (store.trouble) continue;
        try {
            const std::string directory = store.keys->wal_directory(segment.text);
            for (const ObjectInfo& info :
                 store.connection->list(directory + segment.text + "-", "").objects) {
                Envelope envelope = envelope_of(*store.connection, info, decoding_);
                if (envelope.name == segment.text && envelope.system_identifier == sysid_)
                    found.push_back(std::move(envelope));
            }
        } catch (const Error&) {
            continue;  // another store may have it sound
        }
        if (!found.empty()) break;
    }
    return found;
}

std::optional<Envelope> ArchiveSurvey::envelope(const WalName& segment, std::uint64_t content) {
    for (Envelope& each : envelopes(segment)) {
        if (short_content(each.fingerprint) == content) return std::move(each);
    }
    return std::nullopt;
}

std::optional<std::string> ArchiveSurvey::spooled_at(const WalName& segment) {
    const auto waiting = spooled_at_.find(segment.text);
    if (waiting != spooled_at_.end()) return waiting->second;
    const auto known = archived_at_.find(segment.text);
    if (known != archived_at_.end()) return known->second;
    std::optional<std::string>& first = archived_at_[segment.text];
    // Another host may have archived it again much later.
    for (const Envelope& each : envelopes(segment)) {
        if (!first || each.spooled_at < *first) first = each.spooled_at;
    }
    return first;
}

}  // namespace walferry::archive
