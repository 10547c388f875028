#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/ledger_part.hpp"

namespace walferry {

struct ConflictRow {
    std::int64_t id;
    std::uint64_t system_identifier;
    std::string name;
    std::string store;  // empty: seen in the spool
    std::string ours, theirs, seen_at;
    std::optional<std::string> settled_at;
    std::optional<std::string> divergence = {};  // "compared", "not compared": no conflict, see Divergence
    std::string fork = {};
    bool raised = false;
};

/// Why two contents of a name are no conflict: they lie where their timeline was left, or behind it.
struct Divergence {
    bool compared = false;  // what lies before the fork is the same, or nothing does
    std::string fork;       // for people
};

/// A history file that came through this host's spool.
struct HistoryRow {
    std::uint32_t timeline = 0;
    std::string fingerprint, content;
};

/// A conflict to be recorded. store: none for one seen in the spool.
struct NewConflict {
    std::int64_t segment;
    std::optional<std::int64_t> store;
    std::string ours, theirs;
};

/// Names with several contents, and the histories by which they are judged.
class ConflictRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    bool add_conflict(const NewConflict& conflict, WallTime now);
    std::vector<ConflictRow> conflicts(bool settled_too);
    /// Those that are open, and divergent ones that were not compared yet.
    std::vector<ConflictRow> conflicts_to_judge();
    /// It is no conflict; or, with nullopt, it is one after all.
    void judge_conflict(std::int64_t conflict, const std::optional<Divergence>& divergence, WallTime now);
    /// True the first time.
    bool raise_conflict(std::int64_t conflict, WallTime now);
    void add_history(std::uint64_t system_identifier, const HistoryRow& history);
    std::vector<HistoryRow> histories(std::uint64_t system_identifier);
    /// Whether that name was ever seen with two contents, settled or not.
    bool in_conflict(std::uint64_t system_identifier, const std::string& name);
    int settle(std::uint64_t system_identifier, const std::string& name, WallTime now);
};

}  // namespace walferry
