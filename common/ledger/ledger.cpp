#include "common/ledger/ledger.hpp"

#include "common/ledger/ledger_file.hpp"
#include "sql/embedded.hpp"

namespace walferry {

Ledger::Ledger(const SpoolPaths& spool, Open open)
    : StoreRecords(connection()),
      RunRecords(connection()),
      UploadRecords(connection()),
      ComparisonRecords(connection()),
      SightRecords(connection()),
      ConflictRecords(connection()),
      ListedRecords(connection()),
      BackupRecords(connection()),
      FactRecords(connection()),
      VerifyRecords(connection()),
      GapRecords(connection()),
      ReportRecords(connection()) {
    if (open == Open::create) create_ledger_file(spool);
    path = checked_ledger_path(spool);
    database = std::make_unique<sqlite::Database>(path, ledger_options());
    migrate(open == Open::create);
    database->require_unmoved();
}

void Ledger::check() {
    const std::lock_guard lock(mutex);
    std::string found;
    try {
        sqlite::Statement integrity(*database, "PRAGMA integrity_check(1)");
        found = integrity.step() ? integrity.text(0) : "no answer";
        // What is used is there: preparing looks up every table and column.
        for (const char* used : {sql::list_copies, sql::ledger_store_summary, sql::ledger_verified_everywhere,
                                 sql::ledger_last_run, sql::ledger_open_conflicts, sql::push_known})
            const sqlite::Statement prepared(*database, used);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::ledger_corrupt) throw;
        found = error.message();
    }
    if (found != "ok")
        throw Error(ErrorKind::ledger_corrupt, "ledger " + path + " is damaged: " + found,
                    ledger_options().advice.damaged);
}

}  // namespace walferry
