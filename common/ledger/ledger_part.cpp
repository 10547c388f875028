#include "common/ledger/ledger_part.hpp"

namespace walferry {

LedgerChange::LedgerChange(LedgerConnection& connection, sqlite::Synchronous synchronous)
    : lock_(connection.mutex), database_(*connection.database) {
    database_.execute(synchronous == sqlite::Synchronous::full ? "PRAGMA synchronous = FULL"
                                                               : "PRAGMA synchronous = NORMAL");
    transaction_ = std::make_unique<sqlite::Transaction>(database_);
}

}  // namespace walferry
