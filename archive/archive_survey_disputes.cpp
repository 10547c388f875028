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

/// What each content of a name has before a place in it. nullopt where one could not be read, and so was not
/// compared; what no trusted writer signed is left out.
std::optional<std::map<std::string, Beginning>> ArchiveSurvey::beginnings(const WalName& name,
                                                                          std::uint64_t segment_size,
                                                                          std::uint64_t place) {
    std::vector<AskedStore> asked;
    for (const Store& store : stores_) {
        if (!store.trouble) asked.push_back({store.connection.get(), *store.keys});
    }
    std::map<std::string, std::vector<HeldObject>> contents;
    try {
        for (const AskedStore& each : asked) {
            for (ObjectName& object : objects_of(each, name.text)) {
                auto& held = contents[object.fingerprint];
                held.push_back({each.store, each.keys.wal(object), std::move(object)});
            }
        }
    } catch (const Error&) {
        return std::nullopt;
    }
    const std::uint64_t bytes = place - name.start_lsn(segment_size).value_or(place);
    std::map<std::string, Beginning> found;
    for (const auto& [content, held] : contents) {
        if (auto beginning = beginning_of(asked, name, content, sysid_, segment_size, bytes, decoding_))
            found.emplace(content, *std::move(beginning));
        else if (!signed_by_strangers(held, name, sysid_, settings_))
            return std::nullopt;
    }
    return found;
}

bool ArchiveSurvey::same_up_to(const WalName& name, std::uint64_t segment_size, std::uint64_t place) {
    const auto found = beginnings(name, segment_size, place);
    return found && !found->empty() && std::all_of(found->begin(), found->end(), [&](const auto& each) {
               return each.second.fingerprint == found->begin()->second.fingerprint;
           });
}

/// Of a .partial: then no other content of it is used.
bool ArchiveSurvey::is_settled(const std::pair<std::uint32_t, std::uint64_t>& partial,
                               const std::set<std::uint64_t>& contents) const {
    std::set<std::uint64_t> settled;
    for (const Store& store : stores_) {
        const auto found = store.wal.settled_partials.find(partial);
        if (!store.trouble && found != store.wal.settled_partials.end())
            settled.insert(found->second.begin(), found->second.end());
    }
    return settled.size() == 1 && contents.contains(*settled.begin());
}

/// As archive-get chooses between them: the farthest place at which their timeline was left to which one
/// leads.
PartialReach ArchiveSurvey::partial_reach(const HeldSegments& partials, std::uint64_t segment_size) {
    Forks forks;
    for (const TimelineHistory& history : histories_) forks.add(history);
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::set<std::uint64_t>> contents;
    for (const auto& [timeline, segments] : partials) {
        for (const HeldSegment& segment : segments)
            contents[{timeline, segment.position}].insert(segment.content);
    }
    PartialReach reach;
    for (const auto& [place, held] : contents) {
        const WalName name = *WalName::parse(segment_name(place.first, place.second).text + ".partial");
        const auto start = name.start_lsn(segment_size);
        if (!start) continue;
        if (held.size() > 1 && is_settled(place, held)) {
            reach[place] = UINT64_MAX;
            continue;
        }
        auto left = forks.places_within(name.timeline, *start, *start + segment_size);
        // The only one there is leads to the only fork there is.
        if (held.size() == 1 && left.size() < 2) continue;
        std::uint64_t& farthest = reach[place];
        for (; !left.empty() && farthest == 0; left.pop_back()) {
            const auto found = beginnings(name, segment_size, left.back());
            if (found && content_that_leads_there(*found)) farthest = left.back();
        }
    }
    return reach;
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
            (departure.kind == Departure::Kind::within && same_up_to(name, segment_size, departure.at));
        if (diverges) places.insert(place);
    }
    return places;
}

}  // namespace walferry::archive
