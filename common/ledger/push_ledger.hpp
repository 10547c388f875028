#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {

namespace sqlite {
class Database;
}

enum class LedgerAnswer {
    unknown,              // no row of that name
    known,                // same content, not verified in every store
    verified_everywhere,  // same content, and nothing is left to do
    other_content,        // the name stands for other bytes
};

/// All of push's dealings with the ledger, through the frozen interface of sql/migrations/001_ledger.sql.
/// Never creates, migrates or repairs anything. Every call throws Error of kind ledger when the ledger is
/// busy past its patience, broken, of an unknown version or cannot be opened; push archives all the same.
class PushLedger {
  public:
    /// `patience` bounds the waiting of all calls together; what the caller does between them does not count.
    explicit PushLedger(const SpoolPaths& spool,
                        std::chrono::milliseconds patience = std::chrono::seconds(2));
    ~PushLedger();

    LedgerAnswer ask(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint);
    /// Adds a row; never changes one.
    void record(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                std::uint64_t size, WallTime spooled_at);

  private:
    class Turn;

    std::chrono::steady_clock::duration patience_;  // what is left of it
    std::unique_ptr<sqlite::Database> database_;
};

}  // namespace walferry
