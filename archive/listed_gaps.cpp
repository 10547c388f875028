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

void look_on(const GapLook& look, const std::string& timeline, std::string last, int& pages, WallTime now) {
    const std::string directory = look.keys.wal_directory(timeline);
    WalObjects objects(look.store, directory, last.empty() ? directory : directory + last + ".", pages);
    for (const WalObject& each : objects) {
        const WalName& name = each.name;
        if (name.kind != WalKind::segment || !name.start_lsn(look.segment_size) || name.text <= last)
            continue;
        if (!last.empty() && name.text != following(last, look.segment_size))
            look.ledger.add_listed_gap(look.store_id, look.system_identifier,
                                       {last, name.text, format_time(now)});
        last = name.text;
    }
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

}  // namespace walferry::archive
