#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace walferry::server {

/// A value as postgresql.conf wants it: 'it''s'.
std::string quote_setting(std::string_view value);

/// One line of a configuration file (PostgreSQL: misc/guc-file.l). nullopt for blanks and comments.
struct SettingLine {
    std::string name;  // in lower case
    std::string value;

    static std::optional<SettingLine> parse(std::string_view line);
};

/// `path` as seen from the directory `from` when it is relative.
std::string absolute_from(const std::string& from, const std::string& path);

/// True for the directory itself and for what is below it, by the letters of the paths.
bool is_below(std::string_view path, std::string_view directory) noexcept;

}  // namespace walferry::server
