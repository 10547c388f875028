#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/settings/settings.hpp"
#include "report/events.hpp"

namespace walferry::report {

/// What OIDs are called now. Empty where the server could not be asked.
struct Names {
    std::map<std::uint32_t, std::string> databases, tablespaces;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> relations;  // (database, OID)
};

/// Asks the configured server, if it is the cluster in question.
Names names_from_server(const Settings& settings, std::uint64_t system_identifier);
/// Of the relations that were locked, those that still exist, database by database.
void look_up_relations(const Settings& settings, const EventsFound& found, Names& names);
/// Throws usage for a name that is not known.
std::uint32_t database_oid(const std::string& name_or_oid, const Names& names);

std::string events_text(const EventsFound& found, const Names& names);
std::string events_json(const EventsFound& found, const Names& names);

}  // namespace walferry::report
