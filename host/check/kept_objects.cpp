#include "host/check/kept_objects.hpp"

#include <algorithm>

#include "archive/comparison.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/store/stores.hpp"
#include "console/catalogue.hpp"

namespace walferry::check {
namespace {

// A page of a listing is a thousand objects.
constexpr int newest_segments = 1000;
constexpr std::size_t further_segments = 4000;

std::string how_far(Ledger& ledger, std::int64_t store, std::size_t compared) {
    const Comparison at = ledger.comparison(store, wall_now());
    if (at.seen_since)
        return "everything that was verified there before " + *at.seen_since +
               " was seen in its listings since";
    return counted(compared, "segment that was", "segments that were") + " verified there " +
           (compared == 1 ? "is" : "are") + " in its listings; later checks go on with the older ones";
}

void compare(const CheckContext& context, const StoreSettings& store, ObjectStore& objects, Ledger& ledger,
             std::int64_t id, console::Findings& findings) {
    const archive::CompareOptions options{store.prefix, context.settings.cluster,        id, further_segments,
                                          {},           context.settings.trusted_writers};
    std::size_t compared = 0;
    if (const auto newest = ledger.newest_verified(store.name))
        compared +=
            archive::compare_newest(ledger, objects, options, *newest, newest_segments, wall_now()).compared;
    compared =
        std::max(compared, archive::compare_with_listings(ledger, objects, options, wall_now()).compared);
    const LostUploads lost = ledger.lost(id);
    if (lost.count > 0) {
        findings.contradiction(
            console::finding_id::lost_objects,
            "the store has lost " +
                counted(static_cast<std::uint64_t>(lost.count), "segment that was", "segments that were") +
                " verified there, such as " + lost.first);
    } else if (compared > 0 || ledger.comparison(id, wall_now()).seen_since) {
        findings.pass(console::finding_id::lost_objects, how_far(ledger, id, compared));
    } else {
        findings.skip(console::finding_id::lost_objects, "nothing was verified there yet");
    }
}

}  // namespace

void look_for_lost_objects(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                           console::Findings& findings) {
    std::unique_ptr<Ledger> ledger;
    std::vector<StoreRow> rows;
    try {
        ledger = std::make_unique<Ledger>(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        rows = ledger->active_stores();
    } catch (const Error&) {  // said by the part that looks at the ledger
        findings.skip(console::finding_id::lost_objects,
                      "without the ledger nothing tells what should be there");
        return;
    }
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const StoreRow& each) { return each.identity.name == store.name; });
    if (row == rows.end()) {
        findings.skip(console::finding_id::lost_objects, "no drain has known this store yet");
        return;
    }
    try {
        compare(context, store, objects, *ledger, row->id, findings);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::ledger && error.kind() != ErrorKind::ledger_corrupt) throw;
        findings.skip(console::finding_id::lost_objects, error.message());
    }
}

void look_for_damaged_objects(const CheckContext& context, const StoreSettings& store,
                              console::Findings& findings) {
    try {
        Ledger ledger(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        const std::string place = place_of(context.settings, store);
        // What is missing is lost-objects' to tell, and is named without an object's suffix.
        std::vector<DamagedObject> damage = ledger.damage(place);
        std::erase_if(damage, [](const DamagedObject& each) {
            return each.key.find('.', each.key.rfind('-')) == each.key.npos;
        });
        if (!damage.empty()) {
            findings.contradiction(console::finding_id::damaged_objects,
                                   counted(damage.size(), "object is", "objects are") + " damaged, such as " +
                                       damage.front().key + " (" + damage.front().what + "; seen first at " +
                                       damage.front().since + ")");
            return;
        }
        std::string oldest;
        for (const VerifySpan& span : ledger.verify_spans(place)) {
            if (oldest.empty() || span.since < oldest) oldest = span.since;
        }
        if (!oldest.empty()) {
            findings.pass(console::finding_id::damaged_objects,
                          "verify knows of no damage; nothing is unread since before " + oldest);
        }
    } catch (const Error& error) {
        if (traits(error.kind()).scope != Scope::ledger && error.kind() != ErrorKind::no_spool) throw;
    }
}

}  // namespace walferry::check
