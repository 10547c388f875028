#pragma once
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/codec/signing.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "maintenance/expire/carry_out.hpp"

namespace walferry::expire {

struct ExpireOptions {
    std::vector<const StoreSettings*> stores;
    std::optional<std::uint64_t> system_identifier;  // nullopt: each that a store holds
    bool dry_run = false;
    bool clock_is_right = false;
    std::function<void(const std::string&)> show;
    std::stop_token stop;
};

/// What became of one cluster in one store.
struct StoreReport {
    std::string store;
    std::uint64_t system_identifier = 0;
    Retention retention;
    std::optional<Error> problem;  // it ended early
    ListedStore listed;
    Plan plan;
    Done done;
};

/// Each store by itself, the order of the configuration: trouble with one is in its report and leaves the
/// others alone. `ledger` may be null. Throws config where marks could not count.
std::vector<StoreReport> expire_stores(const Settings& settings, Ledger* ledger,
                                       const ExpireOptions& options);

/// nullopt where this host holds no identity.
std::optional<DecodeOptions> decoding_of(const Settings& settings);

/// What this host knows besides a store's listing. `ledger` and `decoding` may be null; `decoding` is kept.
HostKnowledge host_knowledge(const Settings& settings, Ledger* ledger, const std::string& store,
                             std::uint64_t system_identifier, const DecodeOptions* decoding);

int exit_code_of(const std::vector<StoreReport>& reports);

/// The key that signs what this host says; nullptr where it has none. Throws config where that would count
/// for nothing.
std::unique_ptr<WriterKey> writer_of(const Settings& settings);

/// The clusters below PREFIX/CLUSTER/ of a store, ascending.
std::vector<std::uint64_t> clusters_in(ObjectStore& store, const StoreSettings& settings,
                                       const std::string& cluster);

/// Why this host's clock cannot be trusted to remove anything; empty: it can.
std::string clock_doubt(StoreType type, std::optional<std::chrono::seconds> store_ahead,
                        const StoredCluster& cluster, WallTime now);

}  // namespace walferry::expire
