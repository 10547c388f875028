#include "archive/wal_listing.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "archive/settlements.hpp"
#include "archive/wal_objects.hpp"
#include "common/store/listing.hpp"

namespace walferry::archive {
namespace {

std::uint64_t position_of(const WalName& name) {
    return std::uint64_t{name.log} << 32 | name.seg;
}

void list_settled(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                  const Settings& settings, ListedWal& wal) {
    for (const auto& [text, listed] : list_settlements(store, keys)) {
        const WalName name = *WalName::parse(text);
        if (!name.has_header() && name.kind != WalKind::history) continue;
        const Settled settled = read_settled(store, keys, system_identifier, listed, settings);
        wal.refused_settlements.insert(wal.refused_settlements.end(), settled.refused.begin(),
                                       settled.refused.end());
        for (const std::string& fingerprint : settled.contents) {
            if (name.kind == WalKind::partial)
                wal.settled_partials[{name.timeline, position_of(name)}].insert(short_content(fingerprint));
            else if (name.kind == WalKind::segment)
                wal.settled[{name.timeline, position_of(name)}].insert(short_content(fingerprint));
            else
                wal.settled_histories[name.timeline].push_back(fingerprint);
        }
    }
}

}  // namespace

std::vector<std::string> list_timelines(ObjectStore& store, const ObjectKeys& keys) {
    std::vector<std::string> timelines = list_folders(store, keys.root() + "wal/");
    std::erase_if(timelines, [](const std::string& digits) { return !WalName::parse(digits + ".history"); });
    return timelines;
}

std::uint64_t short_content(const std::string& fingerprint) {
    std::uint64_t value = 0;
    std::from_chars(fingerprint.data(), fingerprint.data() + 16, value, 16);
    return value;
}

ListedWal list_wal(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                   std::uint64_t from_position, const Settings& settings) {
    ListedWal wal;
    std::array<char, 32> first{};
    std::snprintf(first.data(), first.size(), "%08X%08X", static_cast<unsigned>(from_position >> 32),
                  static_cast<unsigned>(from_position & 0xffffffff));
    for (const std::string& timeline : list_timelines(store, keys)) {
        const std::string directory = keys.wal_directory(timeline);
        for (const WalObject& each : WalObjects(store, directory + timeline + ".history-"))
            wal.histories[each.name.timeline].push_back(each.object);
        for (const WalObject& each : WalObjects(store, directory, directory + timeline + first.data())) {
            if (!each.name.has_header()) continue;
            HeldSegments& held = each.name.kind == WalKind::segment ? wal.segments : wal.partials;
            held[each.name.timeline].push_back(
                {position_of(each.name), short_content(each.object.fingerprint)});
        }
    }
    list_settled(store, keys, system_identifier, settings, wal);
    return wal;
}

}  // namespace walferry::archive
