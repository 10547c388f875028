#include <charconv>

#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_change.hpp"
#include "sql/embedded.hpp"

// What the ledger knows of names with several contents.
namespace walferry {
namespace {

using sqlite::Statement;

std::uint64_t unsigned_number(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::vector<ConflictRow> conflict_rows(Statement& statement) {
    std::vector<ConflictRow> rows;
    while (statement.step()) {
        rows.push_back({statement.integer(0), unsigned_number(statement.text(1)), statement.text(2),
                        statement.text(3), statement.text(4), statement.text(5), statement.text(6),
                        statement.optional_text(7), statement.optional_text(8), statement.text(9),
                        !statement.is_null(10)});
    }
    return rows;
}

}  // namespace

bool Ledger::add_conflict(const NewConflict& conflict, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::ledger_add_conflict, conflict.segment, conflict.store, conflict.ours, conflict.theirs,
               format_time(now));
    const bool fresh = change.changes() > 0;
    change.commit();
    return fresh;
}

std::vector<ConflictRow> Ledger::conflicts(bool settled_too) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, settled_too ? sql::ledger_all_conflicts : sql::ledger_open_conflicts);
    return conflict_rows(statement);
}

std::vector<ConflictRow> Ledger::conflicts_to_judge() {
    const std::lock_guard lock(mutex_);
    Statement open(*database_, sql::ledger_open_conflicts);
    std::vector<ConflictRow> rows = conflict_rows(open);
    Statement not_compared(*database_, sql::ledger_conflicts_not_compared);
    for (ConflictRow& row : conflict_rows(not_compared)) rows.push_back(std::move(row));
    return rows;
}

void Ledger::judge_conflict(std::int64_t conflict, const std::optional<Divergence>& divergence,
                            WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    if (divergence)
        change.run(sql::ledger_conflict_diverges, conflict, format_time(now),
                   std::string(divergence->compared ? "compared" : "not compared"), divergence->fork);
    else
        change.run(sql::ledger_conflict_is_one, conflict);
    change.commit();
}

bool Ledger::raise_conflict(std::int64_t conflict, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::ledger_raise_conflict, conflict, format_time(now));
    const bool fresh = change.changes() > 0;
    change.commit();
    return fresh;
}

bool Ledger::in_conflict(std::uint64_t system_identifier, const std::string& name) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_in_conflict);
    return statement.bind(std::to_string(system_identifier), name).step() && statement.integer(0) != 0;
}

int Ledger::settle(std::uint64_t system_identifier, const std::string& name, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::ledger_settle, std::to_string(system_identifier), name, format_time(now));
    const int settled = change.changes();
    change.commit();
    return settled;
}

void Ledger::add_history(std::uint64_t system_identifier, const HistoryRow& history) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_add_history, std::to_string(system_identifier),
               static_cast<std::int64_t>(history.timeline), history.fingerprint, history.content);
    change.commit();
}

std::vector<HistoryRow> Ledger::histories(std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_histories);
    statement.bind(std::to_string(system_identifier));
    std::vector<HistoryRow> rows;
    while (statement.step())
        rows.push_back(
            {static_cast<std::uint32_t>(statement.integer(0)), statement.text(1), statement.text(2)});
    return rows;
}

}  // namespace walferry
