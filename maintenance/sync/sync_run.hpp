#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "maintenance/sync/copier.hpp"
#include "maintenance/sync/missing_objects.hpp"

namespace walferry::sync {

struct SyncOptions {
    std::vector<const StoreSettings*> from;
    std::optional<std::uint64_t> system_identifier;  // nullopt: each that a store holds
    std::optional<WallTime> since;
    bool dry_run = false;
    /// What the destination's own retention keeps of a cluster; null, or an empty function as its answer:
    /// everything. It may add notes, a line each.
    std::function<std::function<bool(const std::string& tail)>(MergedStores& stores, const ObjectKeys& keys,
                                                               std::uint64_t system_identifier,
                                                               std::vector<std::string>& notes)>
        stays;
    /// An object that the destination has now, or had before; each once. May be null.
    std::function<void(std::uint64_t system_identifier, const std::string& key, std::uint64_t size)> there;
    std::function<void(const std::string&)> show;  // what is being done
    std::stop_token stop;
};

/// What came of bringing one store what the others have.
struct SyncReport {
    std::string to;
    Amount wanted;  // what it lacked
    LeftOut left;
    Copier::Done done;
    std::vector<std::string> silent;     // sources that did not answer, a line each
    std::vector<std::string> held_back;  // backups of which a part could not be brought
    std::vector<std::string> notes;
    std::optional<Error> problem;  // why it ended early
};

/// Can be killed anywhere and run again. Two at once do the same work twice and harm nothing.
SyncReport sync_store(const Settings& settings, const StoreSettings& to, const SyncOptions& options);

int exit_code_of(const SyncReport& report);

}  // namespace walferry::sync
