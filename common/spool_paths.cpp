#include "common/spool_paths.hpp"

#include <utility>

namespace walferry {

SpoolPaths::SpoolPaths(std::string directory) : root(std::move(directory)) {
    while (root.size() > 1 && root.back() == '/') root.pop_back();
}

std::string SpoolPaths::ready(std::uint64_t system_identifier) const {
    return ready() + "/" + std::to_string(system_identifier);
}

std::string SpoolPaths::segment(std::uint64_t system_identifier, std::string_view name) const {
    return ready(system_identifier) + "/" + std::string(name);
}

}  // namespace walferry
