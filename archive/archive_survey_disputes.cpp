#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <vector>

#include "archive/archive_survey.hpp"
#include "archive/archived_forks.hpp"
#include "archive/trusted_content.hpp"

// What a survey makes of names with several contents.
namespace walferry::archive {
namespace {

WalName segment_name(std::uint32_t timeline, std::uint64_t position) {
    std::array<char, 25> text{};
    std::snprintf(text.data(), text.size(), "%08X%08X%08X", timeline, static_cast<unsigned>(position >> 32),
                  static_cast<unsigned>(position & 0xffffffff));
    return *WalName::parse(text.data());
}

}  // namespace

/// As recovery does: then there is nothing to settle.
std::optional<std::string> ArchiveSurvey::trusted_content(const WalName& name) {
    std::vector<HeldObject> objects;
    for (const Store& store : stores_) {
        if (store.trouble) continue;
        const std::string directory = store.keys->wal_directory(name.text);
        try {
            for (const ObjectInfo& info : store.connection->list(directory + name.text + "-", "").objects) {
                auto object = ObjectName::parse(std::string_view(info.key).substr(directory.size()));
                if (object && object->segment == name.text)
                    objects.push_back({store.connection.get(), info.key, std::move(*object)});
            }
        } catch (const Error&) {
            return std::nullopt;
        }
    }
    const auto trusted = only_trusted(objects, name, sysid_, settings_);
    if (!trusted) return std::nullopt;
    problems_.insert(problems_.end(), trusted->others.begin(), trusted->others.end());
    return trusted->content;
}

void ArchiveSurvey::settle_by_writers(const HeldSegments& all) {
    if (decoding_.trusted_writers.empty()) return;
    for (const auto& segment : several_contents(all)) {
        if (std::any_of(stores_.begin(), stores_.end(),
                        [&](const Store& store) { return store.wal.settled.contains(segment); }))
            continue;
        const auto content = trusted_content(segment_name(segment.first, segment.second));
        if (!content) continue;
        for (Store& store : stores_) store.wal.settled[segment].insert(short_content(*content));
    }
}

bool ArchiveSurvey::same_up_to(const WalName& name, std::uint64_t bytes) {
    std::vector<AskedStore> asked;
    for (const Store& store : stores_) {
        if (!store.trouble) asked.push_back({store.connection.get(), *store.keys});
    }
    std::map<std::string, std::vector<HeldObject>> contents;
    std::set<std::string> beginnings;
    try {
        for (const AskedStore& each : asked) {
            for (ObjectName& object : objects_of(each, name.text)) {
                auto& held = contents[object.fingerprint];
                held.push_back({each.store, each.keys.wal(object), std::move(object)});
            }
        }
    } catch (const Error&) {
        return false;
    }
    for (const auto& [content, held] : contents) {
        const auto beginning = fingerprint_up_to(asked, name, content, sysid_, bytes, decoding_);
        if (beginning)
            beginnings.insert(*beginning);
        else if (!signed_by_strangers(held, name, sysid_, settings_))
            return false;  // it cannot be read, and so was not compared
    }
    return beginnings.size() == 1;
}

/// As archive-get decides on the way to the timeline that left.
SegmentPlaces ArchiveSurvey::divergent_places(const HeldSegments& all, std::uint64_t segment_size) {
    Forks forks;
    for (const TimelineHistory& history : histories_) forks.add(history);
    for (const SurveyedBackup& backup : backups_)
        forks.add_in_use(backup.label.timeline, backup.label.start_lsn);
    SegmentPlaces places;
    for (const auto& place : several_contents(all)) {
        const WalName name = segment_name(place.first, place.second);
        const Departure departure = forks.departure(name, segment_size);
        const bool diverges =
            departure.kind == Departure::Kind::before ||
            (departure.kind == Departure::Kind::within &&
             same_up_to(name, departure.at - name.start_lsn(segment_size).value_or(departure.at)));
        if (diverges) places.insert(place);
    }
    return places;
}

}  // namespace walferry::archive
