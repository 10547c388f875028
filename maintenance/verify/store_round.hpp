#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger_verify.hpp"
#include "maintenance/verify/heal.hpp"
#include "maintenance/verify/object_check.hpp"

namespace walferry::verify {

/// What a run may take, of each store.
struct Limits {
    std::optional<std::uint64_t> max_bytes;
    std::optional<std::chrono::steady_clock::time_point> until;
    std::uint64_t rate = 0;  // bytes a second; 0: no limit
    bool all = false;        // not only what is due
    std::chrono::milliseconds every{};
};

/// What is wrong with an object, or was.
struct Damage {
    std::string key;
    std::string what;
    std::string since;
    bool is_new = false;  // no run has ended with it before
    Healing healing = {};
};

/// What came of one store.
struct StoreResult {
    enum class Ended { done, max_bytes, time, stopped, trouble };

    std::string name;
    std::uint64_t objects = 0, bytes = 0;  // read
    std::uint64_t opened = 0;              // and decrypted
    std::uint64_t for_others = 0;          // no identity here opens them
    std::uint64_t nameless = 0;            // other files below the cluster's folder
    std::vector<Damage> damage;            // that is there now
    std::vector<Damage> healed;
    Ended ended = Ended::done;
    std::optional<Error> trouble;
    // Of all that the store has, as far as it was listed.
    std::uint64_t all_objects = 0, all_bytes = 0;
    std::uint64_t due_bytes = 0;                // left for the next run
    std::optional<std::string> longest_unread;  // since then; nullopt: there is nothing
};

/// For a progress line; written by one thread, read by another.
struct RoundView {
    std::atomic<std::uint64_t> bytes = 0, wanted = 0, objects = 0, damaged = 0;
};

/// What a store should have and does not: see Missing.
struct MissingObjects {
    std::function<std::vector<std::string>()> look;  // keys, or their beginnings
    std::function<void(const std::string& key)> came_back;
};

/// What is to be read, and where it is remembered.
struct Round {
    std::string name;   // of the store
    std::string place;  // what it points at, for the records
    std::string root;   // PREFIX/CLUSTER/
    ObjectStore& store;
    std::function<void()> try_again = [] {};  // after a failure: forgets that the store has failed
    VerifyRecords& records;
    Limits limits;
    CheckOptions check;
    Healer* healer = nullptr;  // nullptr: nothing is healed
    std::function<void(const std::string&)> say = [](const std::string&) {};
    std::function<WallTime()> now = wall_now;
    std::optional<MissingObjects> missing = {};  // nullopt: nothing here tells what there should be
};

/// Reads what is due in one store. After each object it is recorded how far that came, so that a run which is
/// killed loses the object under way. Throws what concerns the records; what concerns the store is in the
/// result.
StoreResult verify_store(const Round& round, RoundView& view);

}  // namespace walferry::verify
