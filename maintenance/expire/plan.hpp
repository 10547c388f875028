#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/settings/retention.hpp"
#include "maintenance/expire/kept_backups.hpp"
#include "maintenance/expire/stored_cluster.hpp"

namespace walferry::expire {

enum class Fate : std::uint8_t {
    keep,
    mark,    // nothing needs it, and it is not marked yet
    wait,    // marked, but not for long enough
    remove,  // marked for the whole grace period, and still nothing needs it
};

struct Decision {
    Fate fate = Fate::keep;
    std::string why;                // one line
    std::optional<WallTime> until;  // wait: before then it is not removed
};

/// Of a WAL file; the rest stands in Plan::wal_reasons.
struct WalDecision {
    Fate fate = Fate::keep;
    std::uint32_t reason = 0;
};

struct Amount {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
};

/// What is to become of everything in one store. The vectors stand beside those of StoredCluster.
struct Plan {
    std::string blocked;  // not empty: why nothing is marked, removed or withdrawn this time
    std::optional<Window> window;
    std::vector<Decision> backups;
    std::vector<WalDecision> wal;
    std::vector<Decision> wal_reasons;
    std::vector<Decision> objects;       // what an index names goes with the last backup that needs it
    std::vector<std::size_t> withdrawn;  // marks on what is to stay
    std::vector<std::size_t> spent;      // marks of which nothing is left
    std::array<Amount, 4> amounts{};     // by Fate, of objects and WAL; removed is what the store gets back
    std::vector<std::string> notes;      // a line each, for people

    const Amount& amount(Fate fate) const { return amounts[static_cast<std::size_t>(fate)]; }
};

struct Clock {
    WallTime now;
    std::string doubt;  // why it cannot be trusted; empty: it can
};

/// The rules of docs/keeping.md. Pure: the same for the same values.
Plan make_plan(const StoredCluster& cluster, const Retention& retention, const Clock& clock);

}  // namespace walferry::expire
