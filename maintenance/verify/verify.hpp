#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"
#include "maintenance/verify/store_round.hpp"

namespace walferry::verify {

struct VerifyOptions {
    StoreSelection stores;
    std::optional<std::uint64_t> max_bytes;            // of each store
    std::optional<std::chrono::milliseconds> longest;  // for all of it
    std::uint64_t rate = 0;                            // bytes a second, of each store
    bool all = false;
    bool heal = false;
    std::stop_token stop;
    std::function<void(const std::string&)> say = [](const std::string&) {};
};

struct VerifyResult {
    std::vector<StoreResult> stores;  // in the order of the configuration
    bool opening = false;             // an identity is configured, so objects are opened as well
    int exit_code = 0;
};

/// For a progress line.
struct VerifyView {
    struct Store {
        std::string name;
        RoundView round;
    };
    std::vector<std::unique_ptr<Store>> stores;
};

/// Reads what is due in every selected store, side by side. `watch` gets what the progress line shows before
/// anything is read, and nullptr at the end; `tell` gets the result, and what it is told of is known from
/// then on. Returns the exit code. Throws usage, config, locked, and what concerns the records.
int verify(const Settings& settings, const VerifyOptions& options,
           const std::function<void(const VerifyView*)>& watch,
           const std::function<void(const VerifyResult&)>& tell);

}  // namespace walferry::verify
