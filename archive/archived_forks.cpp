#include "archive/archived_forks.hpp"

#include "archive/history_read.hpp"
#include "archive/wal_listing.hpp"
#include "archive/wal_objects.hpp"
#include "common/error.hpp"

namespace walferry::archive {
namespace {

/// nullopt for one that is damaged or not to be trusted: another copy may be better.
std::optional<TimelineHistory> sound_history(const AskedStore& asked, const ObjectName& object,
                                             std::uint64_t system_identifier, const DecodeOptions& decoding) {
    try {
        return read_history(*asked.store, asked.keys, object, system_identifier, decoding);
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<std::uint64_t> first_segment(const AskedStore& asked, const std::string& timeline,
                                           std::uint64_t segment_size) {
    const auto name = first_with_header(*asked.store, asked.keys.wal_directory(timeline));
    return name ? name->start_lsn(segment_size) : std::nullopt;
}

}  // namespace

std::vector<ObjectName> objects_of(const AskedStore& asked, const std::string& name) {
    std::vector<ObjectName> found;
    const std::string directory = asked.keys.wal_directory(name);
    for (const WalObject& each : WalObjects(*asked.store, directory + name + "-"))
        found.push_back(each.object);
    return found;
}

void add_forks(Forks& forks, const AskedStore& asked, std::uint64_t system_identifier,
               std::uint64_t segment_size, std::uint32_t from, const std::optional<DecodeOptions>& decoding,
               const std::vector<HistoryRow>& known) {
    for (const HistoryRow& row : known) {
        try {
            forks.add(TimelineHistory::parse(row.timeline, row.content));
        } catch (const Error&) {
            continue;  // PostgreSQL does not take it either
        }
    }
    for (const std::string& timeline : list_timelines(*asked.store, asked.keys)) {
        const WalName name = *WalName::parse(timeline + ".history");
        if (name.timeline <= from) continue;
        std::optional<TimelineHistory> history;
        if (decoding) {
            for (const ObjectName& object : objects_of(asked, name.text)) {
                history = sound_history(asked, object, system_identifier, *decoding);
                if (history) forks.add(*history);
            }
        }
        if (!history) forks.add_unread(name.timeline, first_segment(asked, timeline, segment_size));
    }
}

}  // namespace walferry::archive
