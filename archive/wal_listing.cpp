#include "archive/wal_listing.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <functional>

#include "archive/settlements.hpp"

namespace walferry::archive {
namespace {

std::uint64_t position_of(const WalName& name) {
    return std::uint64_t{name.log} << 32 | name.seg;
}

void each_object(ObjectStore& store, const std::string& prefix, std::string after,
                 const std::function<void(const std::string&)>& take) {
    for (bool more = true; more;) {
        const ObjectPage page = store.list(prefix, after);
        for (const ObjectInfo& info : page.objects) take(info.key);
        more = page.more && !page.objects.empty();
        if (more) after = page.objects.back().key;
    }
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
    const std::string root = keys.root() + "wal/";
    std::vector<std::string> timelines;
    std::string after;
    for (;;) {
        const ObjectPage page = store.list(root, after);
        if (page.objects.empty()) return timelines;
        const std::string& key = page.objects.front().key;
        const std::string timeline = key.substr(root.size(), key.find('/', root.size()) - root.size());
        if (WalName::parse(timeline + ".history")) timelines.push_back(timeline);
        after = root + timeline + "0";  // '0' sorts right behind '/'
    }
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
        const auto object_of = [&](const std::string& key) {
            return ObjectName::parse(std::string_view(key).substr(directory.size()));
        };
        each_object(store, directory + timeline + ".history-", "", [&](const std::string& key) {
            auto object = object_of(key);
            if (!object) return;
            const auto name = WalName::parse(object->segment);
            if (name) wal.histories[name->timeline].push_back(std::move(*object));
        });
        each_object(store, directory, directory + timeline + first.data(), [&](const std::string& key) {
            const auto object = object_of(key);
            if (!object) return;
            const auto name = WalName::parse(object->segment);
            if (!name || !name->has_header()) return;
            HeldSegments& held = name->kind == WalKind::segment ? wal.segments : wal.partials;
            held[name->timeline].push_back({position_of(*name), short_content(object->fingerprint)});
        });
    }
    list_settled(store, keys, system_identifier, settings, wal);
    return wal;
}

}  // namespace walferry::archive
