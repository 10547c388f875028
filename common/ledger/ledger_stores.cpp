#include "common/ledger/ledger_stores.hpp"

#include "sql/embedded.hpp"

namespace walferry {
namespace {

StoreRow store_row(const sqlite::Statement& s) {
    return {
        s.integer(0), {s.text(1), s.text(2), s.text(3), s.text(4), s.text(5)}, s.text(6), s.optional_text(7)};
}

}  // namespace

std::vector<StoreRow> StoreRecords::active_stores() {
    return read(sql::ledger_active_stores).all(store_row);
}

std::vector<StoreRow> StoreRecords::all_stores() {
    return read(sql::ledger_all_stores).all(store_row);
}

std::int64_t StoreRecords::add_store(const StoreIdentity& identity, WallTime now) {
    LedgerChange change(connection_, sqlite::Synchronous::full);
    change.run(sql::ledger_add_store, identity.name, identity.type, identity.endpoint, identity.bucket,
               identity.prefix, format_time(now));
    const std::int64_t id = change.last_insert_id();
    change.commit();
    return id;
}

void StoreRecords::retire_store(std::int64_t id, WallTime now) {
    run(sqlite::Synchronous::full, sql::ledger_retire_store, id, format_time(now));
}

}  // namespace walferry
