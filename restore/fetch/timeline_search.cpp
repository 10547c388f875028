#include "restore/fetch/timeline_search.hpp"

#include "archive/history_read.hpp"
#include "archive/wal_listing.hpp"
#include "archive/wal_objects.hpp"
#include "common/error.hpp"
#include "common/exit_code.hpp"

namespace walferry::fetch {
namespace {

/// "XXXXXXXXYYYYYYYY" of a segment, zeroes for a history file.
std::string position_digits(const WalName& name) {
    return name.kind == WalKind::history ? std::string(16, '0') : name.text.substr(8, 16);
}

}  // namespace

void TimelineSearch::note_first(std::uint32_t timeline, const std::string& name) {
    std::string& first = sights_[timeline].first;
    if (first.empty() || name < first) first = name;
}

void TimelineSearch::read_history(ObjectStore& store, const ObjectKeys& keys, const ObjectName& object) {
    const WalName name = *WalName::parse(object.segment);
    bool& is_read = contents_.try_emplace({name.timeline, object.fingerprint}, false).first->second;
    if (is_read) return;
    try {
        add(archive::read_history(store, keys, object, sysid_, decoding_));
        is_read = true;
    } catch (const Error& error) {
        // Damage is a finding, and another store may have it sound; a store that fails has not answered.
        if (error.kind() != ErrorKind::integrity && traits(error.kind()).exit_code == exit_code::failed)
            throw;
    }
}

void TimelineSearch::look_into(ObjectStore& store, const ObjectKeys& keys) {
    for (const std::string& digits : archive::list_timelines(store, keys)) {
        const std::uint32_t timeline = WalName::parse(digits + ".history")->timeline;
        if (timeline <= missing_.timeline) continue;
        (void)sights_[timeline];
        const std::string directory = keys.wal_directory(digits);
        for (const archive::WalObject& each : archive::WalObjects(store, directory + digits + ".history-"))
            read_history(store, keys, each.object);
        const std::string after = directory + digits + position_digits(missing_);
        if (const auto first = archive::first_with_header(store, directory, after))
            note_first(timeline, first->text);
    }
}

void TimelineSearch::look_into(const SpoolCopy& spool) {
    for (const WalName& name : spool.waiting(sysid_)) {
        if (name.timeline <= missing_.timeline) continue;
        if (name.has_header() && position_digits(name) >= position_digits(missing_))
            note_first(name.timeline, name.text);
        if (name.kind != WalKind::history) continue;
        bool& is_read = contents_.try_emplace({name.timeline, "in the spool"}, false).first->second;
        try {
            archive::HistoryText text;
            if (!spool.read(sysid_, name, text)) continue;
            add(TimelineHistory::parse(name.timeline, text.text()));
            is_read = true;
        } catch (const Error&) {
            continue;
        }
    }
}

TimelineSights TimelineSearch::finish() {
    for (const auto& [content, is_read] : contents_) {
        if (!is_read) sights_[content.first].history_unusable = true;
    }
    return std::move(sights_);
}

}  // namespace walferry::fetch
