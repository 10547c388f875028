#pragma once
#include <cstdint>
#include <memory>
#include <mutex>

#include "common/ledger/ledger.hpp"
#include "common/ledger/sqlite.hpp"

namespace walferry {

/// A transaction of the ledger's that survives this process (normal) or the machine (full). For the files
/// that implement Ledger.
class Ledger::Change {
  public:
    Change(Ledger& ledger, sqlite::Synchronous synchronous)
        : lock_(ledger.mutex_), database_(*ledger.database_) {
        database_.execute(synchronous == sqlite::Synchronous::full ? "PRAGMA synchronous = FULL"
                                                                   : "PRAGMA synchronous = NORMAL");
        transaction_ = std::make_unique<sqlite::Transaction>(database_);
    }
    template <typename... Values>
    void run(const char* sql, const Values&... values) {
        sqlite::Statement(database_, sql).bind(values...).run();
    }
    int changes() const noexcept { return database_.changes(); }
    std::int64_t last_insert_id() const noexcept { return database_.last_insert_id(); }
    sqlite::Database& database() noexcept { return database_; }
    void commit() { transaction_->commit(); }

  private:
    std::lock_guard<std::mutex> lock_;
    sqlite::Database& database_;
    std::unique_ptr<sqlite::Transaction> transaction_;
};

}  // namespace walferry
