#include "common/ledger/ledger_conflicts.hpp"

#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;
using sqlite::Synchronous;

ConflictRow conflict_row(const Statement& s) {
    return {s.integer(0), s.decimal(1),       s.text(2),          s.text(3), s.text(4),     s.text(5),
            s.text(6),    s.optional_text(7), s.optional_text(8), s.text(9), !s.is_null(10)};
}

HistoryRow history_row(const Statement& s) {
    return {static_cast<std::uint32_t>(s.integer(0)), s.text(1), s.text(2)};
}

}  // namespace

bool ConflictRecords::add_conflict(const NewConflict& conflict, WallTime now) {
    return run(Synchronous::full, sql::ledger_add_conflict, conflict.segment, conflict.store, conflict.ours,
               conflict.theirs, format_time(now)) > 0;
}

std::vector<ConflictRow> ConflictRecords::conflicts(bool settled_too) {
    return read(settled_too ? sql::ledger_all_conflicts : sql::ledger_open_conflicts).all(conflict_row);
}

std::vector<ConflictRow> ConflictRecords::conflicts_to_judge() {
    std::vector<ConflictRow> rows = conflicts(false);
    for (ConflictRow& row : read(sql::ledger_conflicts_not_compared).all(conflict_row))
        rows.push_back(std::move(row));
    return rows;
}

void ConflictRecords::judge_conflict(std::int64_t conflict, const std::optional<Divergence>& divergence,
                                     WallTime now) {
    if (divergence)
        run(Synchronous::full, sql::ledger_conflict_diverges, conflict, format_time(now),
            divergence->compared ? "compared" : "not compared", divergence->fork);
    else
        run(Synchronous::full, sql::ledger_conflict_is_one, conflict);
}

bool ConflictRecords::raise_conflict(std::int64_t conflict, WallTime now) {
    return run(Synchronous::full, sql::ledger_raise_conflict, conflict, format_time(now)) > 0;
}

bool ConflictRecords::in_conflict(std::uint64_t system_identifier, const std::string& name) {
    return read(sql::ledger_in_conflict, std::to_string(system_identifier), name).truth();
}

int ConflictRecords::settle(std::uint64_t system_identifier, const std::string& name, WallTime now) {
    return run(Synchronous::full, sql::ledger_settle, std::to_string(system_identifier), name,
               format_time(now));
}

void ConflictRecords::add_history(std::uint64_t system_identifier, const HistoryRow& history) {
    run(Synchronous::normal, sql::ledger_add_history, std::to_string(system_identifier),
        static_cast<std::int64_t>(history.timeline), history.fingerprint, history.content);
}

std::vector<HistoryRow> ConflictRecords::histories(std::uint64_t system_identifier) {
    return read(sql::ledger_histories, std::to_string(system_identifier)).all(history_row);
}

}  // namespace walferry
