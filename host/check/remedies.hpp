#pragma once
#include <optional>
#include <string>

#include "console/catalogue.hpp"
#include "host/check/look.hpp"

namespace walferry::check {

/// What an administrator types to have the spool drained from now on: the package's timer where it is
/// installed.
std::string how_to_drain(const CheckContext& context);

/// And to see why a drain failed.
std::string how_to_see_a_drain(const CheckContext& context);

/// The package's unit for this configuration, "walferry-drain@NAME.service"; empty where there is none.
std::string drain_service(const Settings& settings);

/// The words for remedies on this host.
console::RemedyWords remedy_words(const CheckContext& context,
                                  const std::optional<SpoolTraces::Owner>& spool);

}  // namespace walferry::check
