#include <charconv>

#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_change.hpp"
#include "sql/embedded.hpp"

namespace walferry {

Comparison Ledger::comparison(std::int64_t store, WallTime now) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::comparison_where);
    if (!statement.bind(store).step()) return {format_time(now), {}, {}, std::nullopt};
    return {statement.text(0), statement.text(1), statement.text(2), statement.optional_text(3)};
}

void Ledger::compared(std::int64_t store, const Comparison& until) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::comparison_note, store, until.began_at, until.system_identifier, until.name,
               until.seen_since);
    change.commit();
}

std::vector<KeptUpload> Ledger::kept_after(std::int64_t store, const std::string& system_identifier,
                                           const std::string& name, int most) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::comparison_kept_after);
    statement.bind(store, system_identifier, name, most);
    std::vector<KeptUpload> kept;
    while (statement.step()) {
        std::uint64_t cluster = 0;
        const std::string digits = statement.text(1);
        std::from_chars(digits.data(), digits.data() + digits.size(), cluster);
        kept.push_back({statement.integer(0), cluster, statement.text(2), statement.text(3),
                        statement.text(4) == "verified", statement.text(5), statement.text(6)});
    }
    return kept;
}

void Ledger::lose(std::int64_t store, std::span<const std::int64_t> segments, const std::string& reason) {
    Change change(*this, sqlite::Synchronous::full);
    for (const std::int64_t segment : segments) change.run(sql::comparison_lose, segment, store, reason);
    change.commit();
}

LostUploads Ledger::lost(std::int64_t store) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::comparison_lost);
    if (!statement.bind(store).step()) return {};
    return {statement.integer(0), statement.text(1)};
}

}  // namespace walferry
