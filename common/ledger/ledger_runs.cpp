#include "common/ledger/ledger_runs.hpp"

#include "sql/embedded.hpp"

namespace walferry {
namespace {

RunRow run_row(const sqlite::Statement& s) {
    RunRow run{s.integer(0), s.text(1),    s.optional_text(2), std::nullopt,
               s.integer(4), s.integer(5), s.text(6)};
    if (!s.is_null(3)) run.exit_code = s.integer(3);
    return run;
}

}  // namespace

std::int64_t RunRecords::begin_run(std::int64_t pid, WallTime now) {
    LedgerChange change(connection_, sqlite::Synchronous::normal);
    change.run(sql::ledger_begin_run, pid, format_time(now));
    const std::int64_t id = change.last_insert_id();
    change.run(sql::ledger_forget_runs, id);
    change.commit();
    return id;
}

void RunRecords::end_run(std::int64_t id, int exit_code, std::int64_t verified, std::int64_t removed,
                         const std::string& message, WallTime now) {
    run(sqlite::Synchronous::normal, sql::ledger_end_run, id, format_time(now), exit_code, verified, removed,
        message);
}

void RunRecords::note_run(std::int64_t id, std::int64_t verified, std::int64_t removed) {
    run(sqlite::Synchronous::normal, sql::ledger_note_run, id, verified, removed);
}

std::optional<std::string> RunRecords::open_run(std::int64_t pid) {
    return read(sql::ledger_open_run, pid).text();
}

std::optional<RunRow> RunRecords::last_run() {
    return read(sql::ledger_last_run).first(run_row);
}

}  // namespace walferry
