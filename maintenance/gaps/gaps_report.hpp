#pragma once
#include <string>

#include "common/settings/settings.hpp"
#include "maintenance/gaps/gaps.hpp"

namespace walferry::gaps {

/// What is missing, where it still is, and the commands that bring it.
std::string gaps_text(const GapsResult& result, const Settings& settings);
std::string gaps_json(const GapsResult& result);

}  // namespace walferry::gaps
