#include "archive/listed_gaps.hpp"

#include "archive/wal_listing.hpp"
#include "archive/wal_objects.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {
namespace {

std::string following(const std::string& segment, std::uint64_t size) {
    const WalName name = *WalName::parse(segment);
    return WalName::segment_at(name.timeline, *name.start_lsn(size) + size, size).text;
}

/// What was missing may have come since: the segment right behind the gap's beginning, and where what is left
/// ends. The ledger hears of it when all of it was listed: a store that fails half-way, or the end of this
/// process, leaves the gap as it is known.
void look_again(const GapLook& look, const ListedGap& gap) {
    const std::string directory = look.keys.wal_directory(gap.after);
    std::string last = gap.after;
    std::vector<ListedGap> left;
    // '.' sorts behind each object of that name.
    for (const WalObject& each : WalObjects(look.store, directory, directory + gap.after + ".")) {
        if (each.name.kind != WalKind::segment || each.name.text <= last) continue;
        if (each.name.text != following(last, look.segment_size))
            left.push_back({last, each.name.text, gap.seen_at});
        last = each.name.text;
        if (last >= gap.before) break;
    }
    look.ledger.replace_listed_gap(look.store_id, look.system_identifier, gap, left);
}

/// What is missing between two segments that follow each other in a listing. Returns the last one there.
std::string between(WalObjects& objects, std::uint64_t segment_size, std::string last,
                    const std::function<void(const std::string& after, const std::string& before)>& missing) {
    for (const WalObject& each : objects) {
        const WalName& name = each.name;
        if (name.kind != WalKind::segment || !name.start_lsn(segment_size) || name.text <= last) continue;
        if (!last.empty() && name.text != following(last, segment_size)) missing(last, name.text);
        last = name.text;
    }
    return last;
}

void look_on(const GapLook& look, const std::string& timeline, std::string last, int& pages, WallTime now) {
    const std::string directory = look.keys.wal_directory(timeline);
    WalObjects objects(look.store, directory, last.empty() ? directory : directory + last + ".", pages);
    last =
        between(objects, look.segment_size, last, [&](const std::string& after, const std::string& before) {
            look.ledger.add_listed_gap(look.store_id, look.system_identifier,
                                       {after, before, format_time(now)});
        });
    pages = objects.pages_left();
    if (!last.empty()) look.ledger.note_looked_through(look.store_id, look.system_identifier, last);
}

}  // namespace

std::vector<ListedGap> look_for_listed_gaps(const GapLook& look, WallTime now) {
    for (const ListedGap& gap : look.ledger.listed_gaps(look.store_id, look.system_identifier))
        look_again(look, gap);
    const auto looked = look.ledger.looked_through(look.store_id, look.system_identifier);
    int pages = look.pages;
    for (const std::string& timeline : list_timelines(look.store, look.keys)) {
        const auto last = looked.find(timeline);
        look_on(look, timeline, last == looked.end() ? "" : last->second, pages, now);
    }
    return look.ledger.listed_gaps(look.store_id, look.system_identifier);
}

std::vector<ListedGap> find_listed_gaps(ObjectStore& store, const ObjectKeys& keys,
                                        std::uint64_t segment_size) {
    std::vector<ListedGap> gaps;
    for (const std::string& timeline : list_timelines(store, keys)) {
        WalObjects objects(store, keys.wal_directory(timeline));
        between(objects, segment_size, "", [&](const std::string& after, const std::string& before) {
            gaps.push_back({after, before, {}});
        });
    }
    return gaps;
}

std::optional<std::pair<std::string, std::string>> unexpired(const ExpiredWal& expired, std::string first,
                                                             std::string last, std::uint64_t segment_size) {
    const auto covering = [&](const std::string& name) {
        for (const auto& run : expired.runs()) {
            if (run.first.substr(0, 8) == name.substr(0, 8) && run.first <= name && name <= run.second)
                return &run;
        }
        return static_cast<const std::pair<std::string, std::string>*>(nullptr);
    };
    while (const auto* run = covering(first)) {
        if (run->second >= last) return std::nullopt;
        first = following(run->second.substr(0, 24), segment_size);
    }
    while (const auto* run = covering(last)) {
        const WalName begin = *WalName::parse(run->first.substr(0, 24));
        last =
            WalName::segment_at(begin.timeline, *begin.start_lsn(segment_size) - segment_size, segment_size)
                .text;
    }
    return std::pair(first, last);
}

std::string first_missing_before(ObjectStore& store, const ObjectKeys& keys, const std::string& missing,
                                 std::uint64_t segment_size) {
    std::string last;
    for (const WalObject& each : WalObjects(store, keys.wal_directory(missing))) {
        if (each.name.text.substr(0, 24) >= missing) break;
        if (each.name.kind == WalKind::segment) last = each.name.text;
    }
    return last.empty() ? missing : following(last, segment_size);
}

}  // namespace walferry::archive
