#include "uploader/check/second_uploader.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/ledger.hpp"
#include "common/store/object_name.hpp"
#include "uploader/check/catalogue.hpp"

namespace walferry {
namespace {

constexpr int pages = 3;

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

}  // namespace

void look_for_second_uploader(const Settings& settings, const StoreSettings& store, ObjectStore& objects,
                              Findings& findings) {
    std::unique_ptr<Ledger> ledger;
    std::optional<SegmentRow> newest;
    try {
        ledger = std::make_unique<Ledger>(SpoolPaths(settings.spool), Ledger::Open::existing);
        newest = ledger->newest_verified(store.name);
    } catch (const Error&) {  // said by the part that looks at the ledger
        findings.skip(finding_id::second_uploader,
                      "without the ledger its objects cannot be told from others");
        return;
    }
    if (!newest) {
        findings.skip(finding_id::second_uploader,
                      "nothing of this host's is verified there yet to compare with");
        return;
    }
    const ObjectKeys keys(store.prefix, settings.cluster, newest->system_identifier);
    const std::string begin = keys.wal_directory(newest->name) + newest->name;
    for (const ObjectName& object : objects_from(objects, keys.root() + "wal/", begin)) {
        const auto rows = ledger->rows_of(newest->system_identifier, object.segment);
        const auto ours = [&](const SegmentRow& row) { return row.fingerprint == object.fingerprint; };
        if (std::any_of(rows.begin(), rows.end(), ours)) continue;
        if (rows.empty()) {
            findings.fail(finding_id::second_uploader, "a second uploader writes here: it has put " +
                                                           object.segment +
                                                           ", which this host has never had");
        } else {
            findings.contradiction(finding_id::second_uploader, "a second uploader writes here: its " +
                                                                    object.segment +
                                                                    " has another content than this host's");
        }
        return;
    }
    findings.pass(finding_id::second_uploader, "nobody else writes WAL of this cluster there");
}

}  // namespace walferry
