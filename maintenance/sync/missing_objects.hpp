#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "maintenance/sync/merged_stores.hpp"

namespace walferry::sync {

/// In which order objects are put. What makes a backup exist comes last.
enum class Stage { bulk, words, index, label };

/// An object that the destination lacks.
struct Missing {
    std::string tail;
    std::string sha256;  // the hex digits that its name holds
    std::uint64_t size = 0;
    std::vector<std::size_t> sources;  // numbers of places that have it
    Stage stage = Stage::bulk;
    std::string backup;  // the ID of the backup that it belongs to; empty: to none
};

struct Amount {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
    void add(std::uint64_t size) noexcept {
        ++objects;
        bytes += size;
    }
    bool operator==(const Amount&) const = default;
};

/// What is not brought, and why.
struct LeftOut {
    Amount there;       // the destination has it
    Amount expiring;    // its own retention would not keep it
    Amount older;       // than --since
    Amount unfinished;  // of backups that no store has whole
    Amount unknown;     // not named as walferry names its objects
};

struct Wanted {
    std::function<bool(const std::string& tail)> stays;  // by the destination's retention; null: all of it
    std::optional<WallTime> since;
    std::function<void(const Held&)> there = {};  // WAL that the destination has; may be null
};

/// Goes through what the places hold together and gives what the first one lacks: WAL, pieces of backups,
/// holds and settlements, then indexes and labels; no marks, and no beginnings of backups. Of several
/// encodings of one content for the same recipients one is enough. Throws what the stores throw, and
/// interrupted.
LeftOut find_missing(MergedStores& stores, const Wanted& wanted, const std::stop_token& stop,
                     const std::function<void(Missing)>& take);

}  // namespace walferry::sync
