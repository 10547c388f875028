#pragma once
#include <optional>
#include <string>

namespace walferry {

inline constexpr const char* usual_configuration = "/etc/walferry/walferry.toml";

/// --config, else $WALFERRY_CONFIG, else /etc/walferry/walferry.toml.
std::string settings_path(const std::optional<std::string>& option);

}  // namespace walferry
