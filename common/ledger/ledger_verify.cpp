#include "common/ledger/ledger_verify.hpp"

#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;
using sqlite::Synchronous;

VerifySpan span_row(const Statement& s) {
    return {s.text(0), s.text(1), s.optional_text(2), static_cast<std::uint64_t>(s.integer(3)),
            static_cast<std::uint64_t>(s.integer(4))};
}

DamagedObject damage_row(const Statement& s) {
    return {s.text(0), s.text(1), s.text(2), s.integer(3) != 0};
}

}  // namespace

std::vector<VerifySpan> VerifyRecords::verify_spans(const std::string& store) {
    return read(sql::verify_spans, store).all(span_row);
}

void VerifyRecords::change_spans(const std::string& store, std::span<const std::string> gone,
                                 std::span<const VerifySpan> come) {
    LedgerChange change(connection_, Synchronous::normal);
    for (const std::string& last_key : gone) change.run(sql::verify_remove_span, store, last_key);
    for (const VerifySpan& span : come) {
        change.run(sql::verify_put_span, store, span.last_key, span.since, span.read_at,
                   static_cast<std::int64_t>(span.objects), static_cast<std::int64_t>(span.bytes));
    }
    change.commit();
}

std::vector<DamagedObject> VerifyRecords::damage(const std::string& store) {
    return read(sql::verify_damage, store).all(damage_row);
}

void VerifyRecords::note_damage(const std::string& store, const std::string& key, const std::string& what,
                                const std::string& now) {
    run(Synchronous::full, sql::verify_add_damage, store, key, what, now);
}

void VerifyRecords::forget_damage(const std::string& store, const std::string& key) {
    run(Synchronous::normal, sql::verify_remove_damage, store, key);
}

void VerifyRecords::damage_told(const std::string& store, std::span<const std::string> keys) {
    LedgerChange change(connection_, Synchronous::normal);
    for (const std::string& key : keys) change.run(sql::verify_told, store, key);
    change.commit();
}

}  // namespace walferry
