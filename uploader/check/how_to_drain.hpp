#pragma once
#include <string>

#include "common/settings.hpp"

namespace walferry {

/// What an administrator types to have the spool drained from now on: the package's timer where it is
/// installed.
std::string how_to_drain(const Settings& settings);

}  // namespace walferry
