#include "uploader/check/second_uploader.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/ledger.hpp"
#include "common/store/object_name.hpp"
#include "uploader/check/catalogue.hpp"

namespace walferry {
namespace {

// A page of a listing is a thousand objects.
constexpr int pages = 3;
constexpr int segments_behind = 1000;

std::vector<ObjectName> objects_from(ObjectStore& store, const std::string& prefix, std::string after) {
    std::vector<ObjectName> found;
    for (int page = 0; page < pages; ++page) {
        const ObjectPage listed = store.list(prefix, after);
        for (const ObjectInfo& info : listed.objects) {
            const std::string_view key = info.key;
            if (auto name = ObjectName::parse(key.substr(key.rfind('/') + 1)))
                found.push_back(std::move(*name));
        }
        if (!listed.more || listed.objects.empty()) break;
        after = listed.objects.back().key;
    }
    return found;
}

/// What this host knows of the newest segments in a store.
struct Known {
    std::unique_ptr<Ledger> ledger;
    SegmentRow newest;
    std::string oldest;    // name of the first segment to look at
    std::string timeline;  // eight digits; what is on earlier ones may be a former primary's
};

std::string timeline_of(const CheckContext& context, const SegmentRow& newest) {
    const std::string known = newest.name.substr(0, 8);
    if (!context.server || !context.server->timeline) return known;
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%08X", *context.server->timeline);
    return std::max(known, std::string(digits.data()));
}

/// nullopt where there is nothing to compare with, which is said.
std::optional<Known> what_is_known(const CheckContext& context, const StoreSettings& store,
                                   Findings& findings) {
    try {
        auto ledger = std::make_unique<Ledger>(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        const auto newest = ledger->newest_verified(store.name);
        const auto asked = context.server ? context.server->system_identifier : std::nullopt;
        // An earlier cluster's positions say nothing of this one's.
        if (newest && newest->system_identifier == asked.value_or(newest->system_identifier)) {
            const std::string oldest = ledger->segment_before(*newest, segments_behind);
            return Known{std::move(ledger), *newest, oldest, timeline_of(context, *newest)};
        }
        findings.skip(finding_id::second_uploader,
                      "nothing of this host's is verified there yet to compare with");
    } catch (const Error&) {  // said by the part that looks at the ledger
        findings.skip(finding_id::second_uploader,
                      "without the ledger its objects cannot be told from others");
    }
    return std::nullopt;
}

/// Says what is wrong with an object; false where it is this host's.
bool report_stranger(const Known& known, const ObjectName& object, Findings& findings) {
    const auto rows = known.ledger->rows_of(known.newest.system_identifier, object.segment);
    const auto ours = [&](const SegmentRow& row) { return row.fingerprint == object.fingerprint; };
    if (std::any_of(rows.begin(), rows.end(), ours)) return false;
    if (rows.empty()) {
        findings.fail(finding_id::second_uploader, "a second uploader writes here: it has put " +
                                                       object.segment + ", which this host has never had");
    } else {
        findings.contradiction(
            finding_id::second_uploader,
            "a second uploader writes here: its " + object.segment + " has another content than this host's");
    }
    return true;
}

}  // namespace

void look_for_second_uploader(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                              Findings& findings) {
    if (context.server && context.server->in_recovery) {
        findings.skip(finding_id::second_uploader,
                      "this server is a standby: what is there is its primary's");
        return;
    }
    const auto known = what_is_known(context, store, findings);
    if (!known) return;
    const ObjectKeys keys(store.prefix, context.settings.cluster, known->newest.system_identifier);
    const std::string begin = keys.wal_directory(known->oldest) + known->oldest;
    for (const ObjectName& object : objects_from(objects, keys.root() + "wal/", begin)) {
        if (object.segment.substr(0, 8) < known->timeline) continue;
        if (report_stranger(*known, object, findings)) return;
    }
    findings.pass(finding_id::second_uploader,
                  "nobody else has written WAL of this cluster there since " + known->oldest);
}

}  // namespace walferry
