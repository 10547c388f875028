#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace walferry::server {

/// The timeline that a server writes, where it is the primary of that cluster: it goes on, whatever was
/// forked from it. nullopt for a standby, for another cluster's server, and where it cannot be asked within a
/// few seconds.
std::optional<std::uint32_t> primary_timeline(const std::string& conninfo, std::uint64_t system_identifier,
                                              const std::stop_token& stop);

}  // namespace walferry::server
