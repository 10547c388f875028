#include "common/ledger/ledger_comparison.hpp"

#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;
using sqlite::Synchronous;

Comparison comparison_row(const Statement& s) {
    return {s.text(0), s.text(1), s.text(2), s.optional_text(3)};
}

KeptUpload kept_row(const Statement& s) {
    return {s.integer(0), s.decimal(1), s.text(2), s.text(3), s.text(4) == "verified", s.text(5), s.text(6)};
}

}  // namespace

Comparison ComparisonRecords::comparison(std::int64_t store, WallTime now) {
    return read(sql::comparison_where, store)
        .first(comparison_row)
        .value_or(Comparison{format_time(now), {}, {}, std::nullopt});
}

void ComparisonRecords::compared(std::int64_t store, const Comparison& until) {
    run(Synchronous::normal, sql::comparison_note, store, until.began_at, until.system_identifier, until.name,
        until.seen_since);
}

std::vector<KeptUpload> ComparisonRecords::kept_after(std::int64_t store,
                                                      const std::string& system_identifier,
                                                      const std::string& name, int most) {
    return read(sql::comparison_kept_after, store, system_identifier, name, most).all(kept_row);
}

void ComparisonRecords::lose(std::int64_t store, std::span<const std::int64_t> segments,
                             const std::string& reason) {
    LedgerChange change(connection_, Synchronous::full);
    for (const std::int64_t segment : segments) change.run(sql::comparison_lose, segment, store, reason);
    change.commit();
}

LostUploads ComparisonRecords::lost(std::int64_t store) {
    return read(sql::comparison_lost, store)
        .first([](const Statement& s) {
            return LostUploads{s.integer(0), s.text(1)};
        })
        .value_or(LostUploads{});
}

std::vector<LostUpload> ComparisonRecords::lost_uploads(std::int64_t store, int most) {
    return read(sql::comparison_lost_uploads, store, most).all([](const Statement& s) {
        return LostUpload{s.decimal(0), s.text(1), s.text(2)};
    });
}

}  // namespace walferry
