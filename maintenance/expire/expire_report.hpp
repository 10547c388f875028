#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "maintenance/expire/expire_run.hpp"

namespace walferry::expire {

/// For people: per store what stays and why, what is marked, what was removed.
std::string report_text(const std::vector<StoreReport>& reports, bool dry_run);

nlohmann::json report_json(const std::vector<StoreReport>& reports, bool dry_run);

}  // namespace walferry::expire
