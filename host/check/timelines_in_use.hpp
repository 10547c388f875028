#pragma once
#include <cstdint>
#include <optional>

#include "archive/forks.hpp"
#include "common/ledger/ledger.hpp"
#include "host/check/look.hpp"

namespace walferry::check {

/// The one that this host's server writes, where it is the primary of that cluster.
std::optional<std::uint32_t> timeline_of_primary(const CheckContext& context,
                                                 std::uint64_t system_identifier);

/// What tells that a timeline goes on behind a fork: this host's base backups of it, and its server, where
/// that is the primary. What is missing or differs there is no end that was left.
void add_timelines_in_use(const CheckContext& context, Ledger& ledger, std::uint64_t system_identifier,
                          archive::Forks& forks);

}  // namespace walferry::check
