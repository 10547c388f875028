#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace walferry::console {

/// JSON for standard output. Bytes that are no UTF-8 (a server's message may hold any) become U+FFFD.
inline std::string json_text(const nlohmann::json& json) {
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The same on one line.
inline std::string json_line(const nlohmann::json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <typename T>
nlohmann::json json_or_null(const std::optional<T>& value) {
    return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

}  // namespace walferry::console
