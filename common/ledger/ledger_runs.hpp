#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/ledger/ledger_part.hpp"

namespace walferry {

struct RunRow {
    std::int64_t pid;
    std::string started_at;
    std::optional<std::string> finished_at;
    std::optional<std::int64_t> exit_code;
    std::int64_t verified, removed;
    std::string message;
};

/// The drain's runs.
class RunRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    std::int64_t begin_run(std::int64_t pid, WallTime now);
    void end_run(std::int64_t id, int exit_code, std::int64_t verified, std::int64_t removed,
                 const std::string& message, WallTime now);
    /// How far a run has come that goes on.
    void note_run(std::int64_t id, std::int64_t verified, std::int64_t removed);
    std::optional<std::string> open_run(std::int64_t pid);  // since when
    std::optional<RunRow> last_run();
};

}  // namespace walferry
