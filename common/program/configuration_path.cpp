#include "common/program/configuration_path.hpp"

#include <cstdlib>

namespace walferry {

std::string settings_path(const std::optional<std::string>& option) {
    if (option) return *option;
    const char* named = std::getenv("WALFERRY_CONFIG");
    return named == nullptr || *named == '\0' ? usual_configuration : named;
}

}  // namespace walferry
