#include "restore/tablespace_map.hpp"

#include <algorithm>
#include <charconv>

#include "common/error.hpp"

namespace walferry::restore {
namespace {

bool add_line(const std::string& line, TablespaceMap& places) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos || blank + 1 == line.size()) return false;
    std::uint32_t oid = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + blank, oid);
    return error == std::errc() && end == line.data() + blank && oid != 0 &&
           places.emplace(oid, line.substr(blank + 1)).second;
}

}  // namespace

std::string tablespace_map_text(const TablespaceMap& places) {
    std::string text;
    for (const auto& [oid, path] : places) {
        text += std::to_string(oid) + " ";
        for (const char c : path) {
            if (c == '\n' || c == '\r' || c == '\\') text += '\\';
            text += c;
        }
        text += "\n";
    }
    return text;
}

std::optional<TablespaceMap> parse_tablespace_map(std::string_view text) {
    TablespaceMap places;
    std::string line;
    bool after_backslash = false;
    for (const char c : text) {
        if (!after_backslash && (c == '\n' || c == '\r')) {
            if (!line.empty() && !add_line(line, places)) return std::nullopt;
            line.clear();
        } else if (!after_backslash && c == '\\') {
            after_backslash = true;
        } else {
            line += c;
            after_backslash = false;
        }
    }
    if (!line.empty() || after_backslash) return std::nullopt;
    return places;
}

void require_same_tablespaces(const BackupLabel& label, const std::map<std::string, std::string>& links,
                              const std::string& map_text) {
    TablespaceMap locations;
    for (const BackupLabel::Tablespace& each : label.tablespaces) {
        if (!each.in_place()) locations.emplace(each.oid, each.location);
    }
    for (const auto& [oid, target] : links) {
        const auto known =
            std::find_if(locations.begin(), locations.end(),
                         [&wanted = oid](const auto& each) { return std::to_string(each.first) == wanted; });
        if (known == locations.end() || known->second != target)
            throw Error(ErrorKind::integrity,
                        "the backup's label says nothing of the tablespace " + oid + " in " + target);
    }
    // The server writes its lines in the order that it finds them in, and some versions one for each
    // tablespace in the data directory too.
    auto mapped = parse_tablespace_map(map_text);
    for (const BackupLabel::Tablespace& each : label.tablespaces) {
        if (mapped && each.in_place()) mapped->erase(each.oid);
    }
    if (!map_text.empty() && mapped != locations)
        throw Error(ErrorKind::integrity, "the backup's tablespace_map and its label differ");
}

bool has_tablespace_in_place(const BackupManifest& manifest, const TablespaceMap& places) {
    static constexpr std::string_view folder = "pg_tblspc/";
    return std::any_of(manifest.files.begin(), manifest.files.end(), [&](const ManifestFile& file) {
        if (!file.path.starts_with(folder)) return false;
        const std::string_view rest = std::string_view(file.path).substr(folder.size());
        return std::none_of(places.begin(), places.end(), [&](const auto& place) {
            return rest.starts_with(std::to_string(place.first) + "/");
        });
    });
}

}  // namespace walferry::restore
