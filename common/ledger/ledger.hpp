#pragma once
#include <memory>
#include <string>

#include "common/error.hpp"
#include "common/ledger/ledger_backups.hpp"
#include "common/ledger/ledger_comparison.hpp"
#include "common/ledger/ledger_conflicts.hpp"
#include "common/ledger/ledger_facts.hpp"
#include "common/ledger/ledger_gaps.hpp"
#include "common/ledger/ledger_list.hpp"
#include "common/ledger/ledger_part.hpp"
#include "common/ledger/ledger_rebuild.hpp"
#include "common/ledger/ledger_runs.hpp"
#include "common/ledger/ledger_sight.hpp"
#include "common/ledger/ledger_stores.hpp"
#include "common/ledger/ledger_uploads.hpp"
#include "common/ledger/ledger_verify.hpp"
#include "common/spool_paths.hpp"

namespace walferry {

/// The ledger has an earlier format: it is being migrated, or the next drain does that. Of kind ledger.
class LedgerFormatError : public Error {
  public:
    LedgerFormatError(std::string message, std::string hint)
        : Error(ErrorKind::ledger, std::move(message), std::move(hint)) {}
};

/// The operator's side of the ledger: its parts over one connection. Thread-safe. What needs one part only
/// takes a reference to that. Everything throws Error of kind ledger.
class Ledger : private LedgerConnection,
               public StoreRecords,
               public RunRecords,
               public UploadRecords,
               public ComparisonRecords,
               public SightRecords,
               public ConflictRecords,
               public ListedRecords,
               public BackupRecords,
               public FactRecords,
               public VerifyRecords,
               public GapRecords,
               public ReportRecords {
  public:
    enum class Open { existing, create };
    /// Opens and migrates. existing: a missing ledger is an error, and so is one whose migration would take
    /// longer than a moment (LedgerFormatError): create, which is what a drain, init and rebuild say, does
    /// that. A ledger written by a newer version is refused, because what it says might be misread.
    Ledger(const SpoolPaths& spool, Open open);

    /// Whether opening made it: there was none, or one without anything in it.
    bool is_new() const noexcept { return is_new_; }

    /// Reads all of it; throws ledger_corrupt when it is damaged or is not what this program wrote.
    void check();

  private:
    LedgerConnection& connection() noexcept { return *this; }
    void migrate(bool create);
    std::unique_ptr<LedgerChange> begin_migration(std::int64_t from, std::int64_t to, bool create);

    bool is_new_ = false;
};

}  // namespace walferry
