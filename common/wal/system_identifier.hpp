#pragma once
#include <cstdint>
#include <string>

namespace walferry {

/// The day on which initdb created the cluster, "2026-11-27": its identifier begins with that moment
/// (PostgreSQL: BootStrapXLOG). For people; a later cluster's identifier is larger.
std::string creation_date(std::uint64_t system_identifier);

}  // namespace walferry
