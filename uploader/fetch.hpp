#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/settings.hpp"
#include "common/sink.hpp"
#include "common/wal_name.hpp"

namespace walferry {

/// What restoring reads with.
struct FetchOptions {
    std::vector<std::string> only;  // stores; empty: all
    std::optional<std::uint64_t> system_identifier;
    std::function<void(const std::string&)> say;  // damage and detours, a line each
    std::stop_token stop;
};

/// Brings one segment back from the stores, the first that has it sound. `open` makes the sink for each try,
/// and what it took counts only when this function returns. Checks everything there is to check: hash against
/// name, envelope, fingerprint, length, WAL header. Throws not_found only when every store that was asked
/// answered (twice) that it has none; conflict for two contents without a settled one; integrity when each
/// copy is damaged; else the error of the store that could not be asked.
void fetch_segment(const Settings& settings, const FetchOptions& options, const WalName& name,
                   const std::function<Sink&()>& open);

/// The only system identifier under PREFIX/CLUSTER. Throws usage when there are several, not_found when none.
std::uint64_t find_system_identifier(const Settings& settings, const FetchOptions& options);

}  // namespace walferry
