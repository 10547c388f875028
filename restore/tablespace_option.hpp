#pragma once
#include <string>
#include <string_view>
#include <utility>

namespace walferry::restore {

/// "OLD=NEW" of --tablespace, as pg_basebackup has it: an = that belongs to a path is written \=. Throws
/// usage unless both are absolute paths.
std::pair<std::string, std::string> parse_tablespace_option(std::string_view text);

/// The inverse.
std::string tablespace_option(const std::string& old_place, const std::string& new_place);

/// A path as it is written in OLD=NEW.
std::string escaped_place(const std::string& path);

}  // namespace walferry::restore
