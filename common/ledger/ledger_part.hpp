#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/ledger/sqlite.hpp"

namespace walferry {

/// One connection, which answers one caller at a time.
struct LedgerConnection {
    std::mutex mutex;
    std::unique_ptr<sqlite::Database> database;
    std::string path;
};

/// A transaction that survives this process (normal) or the machine (full). Rolled back unless committed.
class LedgerChange {
  public:
    LedgerChange(LedgerConnection& connection, sqlite::Synchronous synchronous);

    template <typename... Values>
    LedgerChange& run(const char* sql, const Values&... values) {
        sqlite::Statement(database_, sql).bind(values...).run();
        return *this;
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

/// The rows that a statement gives; the connection answers no other caller until it is destroyed.
class LedgerReading {
  public:
    template <typename... Values>
    LedgerReading(LedgerConnection& connection, const char* sql, const Values&... values)
        : lock_(connection.mutex), statement_(*connection.database, sql) {
        statement_.bind(values...);
    }

    /// `row` makes one of a statement that has stepped to it.
    template <typename Make>
    auto all(Make row) {
        std::vector<decltype(row(std::as_const(statement_)))> rows;
        while (statement_.step()) rows.push_back(row(std::as_const(statement_)));
        return rows;
    }
    template <typename Make>
    auto first(Make row) {
        using Row = decltype(row(std::as_const(statement_)));
        return statement_.step() ? std::optional<Row>(row(std::as_const(statement_))) : std::nullopt;
    }
    /// The first column of the first row.
    std::optional<std::string> text() {
        return first([](const sqlite::Statement& s) { return s.text(0); });
    }
    /// Whether there is a row.
    bool any() { return statement_.step(); }
    /// Whether there is a row whose first column is not 0.
    bool truth() { return statement_.step() && statement_.integer(0) != 0; }

  private:
    std::lock_guard<std::mutex> lock_;
    sqlite::Statement statement_;
};

/// A part of the ledger: what is asked and recorded of one thing. All parts share the connection of one
/// Ledger (ledger.hpp). Everything throws Error of kind ledger.
class LedgerPart {
  public:
    explicit LedgerPart(LedgerConnection& connection) noexcept : connection_(connection) {}

  protected:
    template <typename... Values>
    LedgerReading read(const char* sql, const Values&... values) {
        return LedgerReading(connection_, sql, values...);
    }
    LedgerChange change(sqlite::Synchronous synchronous) { return LedgerChange(connection_, synchronous); }
    /// A transaction of one statement. Returns how many rows it changed.
    template <typename... Values>
    int run(sqlite::Synchronous synchronous, const char* sql, const Values&... values) {
        LedgerChange change(connection_, synchronous);
        change.run(sql, values...);
        const int changed = change.changes();
        change.commit();
        return changed;
    }

    LedgerConnection& connection_;
};

}  // namespace walferry
