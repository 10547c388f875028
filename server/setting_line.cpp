#include "server/setting_line.hpp"

#include <algorithm>
#include <iterator>

namespace walferry::server {
namespace {

constexpr std::string_view blank = " \t\r\n\f\v";

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '$';
}

/// The text of a quoted value; nullopt where its end is missing.
std::optional<std::string> unquote(std::string_view text) {
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
        const bool doubled = text[i] == '\'' && i + 1 < text.size() && text[i + 1] == '\'';
        if (text[i] == '\'' && !doubled) return value;
        if (doubled || (text[i] == '\\' && i + 1 < text.size())) ++i;
        value += text[i];
    }
    return std::nullopt;
}

}  // namespace

std::string quote_setting(std::string_view value) {
    std::string quoted = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') quoted += c;
        quoted += c;
    }
    return quoted + "'";
}

std::optional<SettingLine> SettingLine::parse(std::string_view line) {
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    const auto end = std::find_if_not(line.begin(), line.end(), is_name_character);
    SettingLine setting;
    std::transform(line.begin(), end, std::back_inserter(setting.name),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (setting.name.empty()) return std::nullopt;
    line.remove_prefix(setting.name.size());
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    if (line.starts_with('=')) line.remove_prefix(1);
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    if (line.starts_with('\'')) {
        auto value = unquote(line);
        if (!value) return std::nullopt;
        setting.value = std::move(*value);
    } else {
        setting.value = line.substr(0, line.find_first_of(" \t\r\n\f\v#"));
    }
    if (setting.value.empty() && !line.starts_with('\'')) return std::nullopt;
    return setting;
}

std::string absolute_from(const std::string& from, const std::string& path) {
    if (path.starts_with('/')) return path;
    return (from == "/" ? "" : from) + "/" + path;
}

bool is_below(std::string_view path, std::string_view directory) noexcept {
    while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
    if (directory.empty() || !path.starts_with(directory)) return false;
    return path.size() == directory.size() || path[directory.size()] == '/' || directory == "/";
}

}  // namespace walferry::server
