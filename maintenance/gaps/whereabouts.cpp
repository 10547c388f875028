#include "maintenance/gaps/whereabouts.hpp"

#include <algorithm>

#include "archive/listed_range.hpp"
#include "common/spool/spool_scan.hpp"

namespace walferry::gaps {

std::set<std::string> names_in_store(ObjectStore& store, const ObjectKeys& keys,
                                     std::uint64_t system_identifier, const std::string& first,
                                     const std::string& last) {
    std::set<std::string> names;
    for (const ListedObject& object : archive::list_range(store, keys, system_identifier, first, last))
        names.insert(object.name.text);
    return names;
}

std::set<std::string> spooled_names(const SpoolPaths& spool, std::uint64_t system_identifier) {
    std::set<std::string> names;
    try {
        for (const SpoolFile& file : scan_spool(spool).files) {
            if (file.system_identifier == system_identifier) names.insert(file.name.text);
        }
    } catch (const Error&) {
        // A keeper has none, and a host that only restores may not read it.
    }
    return names;
}

void add_whereabouts(FoundGap& gap, Whereabouts place, const std::set<std::string>& names) {
    const auto begin = names.lower_bound(gap.first);
    const auto end = names.upper_bound(gap.last);
    for (auto each = begin; each != end; ++each) {
        if (each->size() != gap.first.size()) continue;  // .partial
        if (place.segments++ == 0) place.first = *each;
    }
    if (place.segments > 0) gap.still_in.push_back(std::move(place));
}

}  // namespace walferry::gaps
