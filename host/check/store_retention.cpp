#include "host/check/store_retention.hpp"

#include <algorithm>
#include <chrono>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "console/catalogue.hpp"

namespace walferry::check {
namespace {

// Before that there is nothing yet that could be too old.
constexpr std::chrono::days young{30};
constexpr std::chrono::hours shortest_sample{1};

struct Known {
    std::string since;  // when the store was added
    StoreGrowth growth;
};

Known known_of(const CheckContext& context, const StoreSettings& store) {
    try {
        Ledger ledger(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        for (const StoreRow& row : ledger.active_stores()) {
            if (row.identity.name == store.name) return {row.added_at, ledger.growth(row.id)};
        }
    } catch (const Error& error) {
        if (traits(error.kind()).scope != Scope::ledger) throw;
    }
    return {};
}

/// "; it grows by 12.0 GiB a month"; empty where too little is known.
std::string a_month(const StoreGrowth& growth) {
    const auto first = parse_time(growth.first), last = parse_time(growth.last);
    if (!first || !last || *last - *first < shortest_sample) return {};
    const double months = std::chrono::duration<double>(*last - *first) / std::chrono::days(30);
    return "; it grows by " +
           format_bytes(static_cast<std::uint64_t>(static_cast<double>(growth.bytes) / months)) + " a month";
}

}  // namespace

void look_at_retention(const CheckContext& context, const StoreSettings& store, console::Findings& findings) {
    if (store.retention.expires()) {
        findings.pass(console::finding_id::retention, store.retention.policy());
        return;
    }
    const Known known = known_of(context, store);
    const std::string found = "no [retention] is set, so nothing expires" + a_month(known.growth);
    const auto since = parse_time(known.since);
    if (since && known.growth.bytes > 0 && wall_now() - *since > young)
        findings.warn(console::finding_id::retention, found + "; the store was added at " + known.since);
    else
        findings.pass(console::finding_id::retention, found);
}

}  // namespace walferry::check
