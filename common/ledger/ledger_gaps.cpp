#include "common/ledger/ledger_gaps.hpp"

#include <algorithm>

#include "sql/embedded.hpp"

namespace walferry {

std::optional<KnownGap> known_gap(std::span<const KnownGap> known, const std::string& store,
                                  const std::string& first, const std::string& last) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const KnownGap& gap) {
        return (store.empty() || gap.store == store) && gap.first.substr(0, 8) == first.substr(0, 8) &&
               gap.first <= first && gap.last >= last;
    });
    return found == known.end() ? std::nullopt : std::optional(*found);
}

std::vector<KnownGap> GapRecords::known_gaps(std::uint64_t system_identifier) {
    return read(sql::gaps_known, std::to_string(system_identifier)).all([](const sqlite::Statement& s) {
        return KnownGap{s.text(0), s.text(1), s.text(2), s.text(3), s.text(4)};
    });
}

void GapRecords::acknowledge_gap(std::int64_t store, std::uint64_t system_identifier, const KnownGap& gap) {
    run(sqlite::Synchronous::full, sql::gaps_acknowledge, store, std::to_string(system_identifier), gap.first,
        gap.last, gap.reason, gap.acknowledged_at);
}

}  // namespace walferry
