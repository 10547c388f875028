#include "uploader/backup/cluster_contents.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace walferry::backup {
namespace {

constexpr std::uint32_t default_tablespace = 1663;
constexpr std::string_view links_folder = "pg_tblspc/";

std::uint32_t oid_of(const std::string& digits) {
    std::uint32_t oid = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), oid);
    return oid;
}

bool is_below(std::string_view path, std::string_view directory) {
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

/// "pg_tblspc/16384/PG_15_202209061/5/PG_VERSION", whatever the catalog version.
bool is_database_in(std::string_view file, const std::string& tablespace, const std::string& database) {
    return file.starts_with(tablespace + "/PG_") && file.ends_with("/" + database + "/PG_VERSION");
}

bool has_database(const ReceivedContents& received, const ClusterContents::Database& database) {
    const std::string oid = std::to_string(database.oid);
    if (database.tablespace == default_tablespace) return received.has("base/" + oid + "/PG_VERSION");
    const std::string tablespace = std::string(links_folder) + std::to_string(database.tablespace);
    return std::any_of(received.files().begin(), received.files().end(),
                       [&](const std::string& file) { return is_database_in(file, tablespace, oid); });
}

std::string place_of(const ClusterContents::Database& database) {
    const std::string oid = std::to_string(database.oid);
    if (database.tablespace == default_tablespace) return "base/" + oid;
    return "database " + oid + " in " + std::string(links_folder) + std::to_string(database.tablespace);
}

/// Sockets, by the name that every PostgreSQL gives them, and the server's log.
bool is_rightly_skipped(const std::string& path, const std::string& log_directory) {
    const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
    return name.starts_with(".s.PGSQL.") || (!log_directory.empty() && is_below(path, log_directory));
}

}  // namespace

ClusterContents ask_contents(server::ServerConnection& server) {
    ClusterContents contents;
    // -2: a DROP DATABASE was interrupted, and what is left of it cannot be used.
    const server::ServerRows databases = server.query(
        "SELECT oid::text, dattablespace::text, datname FROM pg_database WHERE datconnlimit <> -2 ORDER BY "
        "oid");
    for (int row = 0; row < databases.size(); ++row)
        contents.databases.push_back(
            {oid_of(databases.text(row, 0)), oid_of(databases.text(row, 1)), databases.text(row, 2)});
    const server::ServerRows tablespaces =
        server.query("SELECT oid::text, spcname FROM pg_tablespace WHERE oid NOT IN (1663, 1664)");
    for (int row = 0; row < tablespaces.size(); ++row)
        contents.tablespaces.emplace(oid_of(tablespaces.text(row, 0)), tablespaces.text(row, 1));
    // Fails for a link that is gone, of which the comparison tells.
    std::string why;
    const auto in_place = server.try_query(
        "SELECT count(*)::text FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE 'pg_tblspc/%'", {},
        false, why);
    contents.in_place = in_place && in_place->text(0, 0) != "0";
    return contents;
}

ClusterContents in_both(const ClusterContents& before, const ClusterContents& after) {
    ClusterContents both;
    std::copy_if(before.databases.begin(), before.databases.end(), std::back_inserter(both.databases),
                 [&](const ClusterContents::Database& each) {
                     return std::any_of(after.databases.begin(), after.databases.end(),
                                        [&](const ClusterContents::Database& other) {
                                            return other.oid == each.oid &&
                                                   other.tablespace == each.tablespace;
                                        });
                 });
    for (const auto& [oid, name] : before.tablespaces) {
        if (after.tablespaces.contains(oid)) both.tablespaces.emplace(oid, name);
    }
    return both;
}

void ReceivedContents::seen(const std::string& stream, const std::string& name, char type) {
    const bool base = stream == "base";
    const std::string path = base ? name : std::string(links_folder) + stream + "/" + name;
    if (type == '5' && path.starts_with(links_folder) && path.find('/', links_folder.size()) == path.npos)
        directories_.insert(path);
    const bool top = path.find('/') == std::string::npos;
    if (type == '0' &&
        (top || path.ends_with("/PG_VERSION") || path == "global/pg_control" || wanted_.contains(path)))
        files_.insert(path);
}

bool ReceivedContents::heard(const server::ServerNotice& notice) {
    if (const auto path = skipped_path(notice)) {
        // Told twice: while sizes are added up, and while files are sent.
        if (std::find(skipped_.begin(), skipped_.end(), *path) == skipped_.end()) skipped_.push_back(*path);
        return true;
    }
    // Checksums are told while pages are read; where one is wrong, the backup fails at its end.
    static constexpr std::array<std::string_view, 4> about_pages{
        "sendFile", "verify_page_checksum", "perform_base_backup", "read_file_data_into_buffer"};
    if (notice.severity != "WARNING" ||
        std::find(about_pages.begin(), about_pages.end(), notice.function) != about_pages.end())
        return false;
    warnings_.push_back(notice.message);
    return true;
}

std::optional<std::string> skipped_path(const server::ServerNotice& notice) {
    if (notice.severity != "WARNING" || notice.function != "sendDir") return std::nullopt;
    const std::string& message = notice.message;
    std::size_t begin = message.find("./");
    if (begin != std::string::npos)
        begin += 2;
    else
        begin = message.find(links_folder);
    if (begin == std::string::npos) return std::nullopt;
    // A translation has quotation marks of its own.
    std::size_t end = message.size();
    for (const char* mark : {"\"", "\u00ab", " \u00bb", "\u00bb", "\u201c", "\u201d", "\u300d"})
        end = std::min(end, message.find(mark, begin));
    return message.substr(begin, end - begin);
}

std::vector<std::string> what_is_missing(const ReceivedContents& received, const ExpectedContents& expected) {
    std::vector<std::string> missing;
    const auto held_elsewhere = [&](const std::string& path) {
        return std::any_of(expected.elsewhere.begin(), expected.elsewhere.end(),
                           [&](const std::string& file) { return is_below(file, path); });
    };
    for (const std::string& path : received.skipped()) {
        if (is_rightly_skipped(path, expected.log_directory) || held_elsewhere(path)) continue;
        missing.push_back(path + ", which is a link or a special file and which the server does not send");
    }
    for (const auto& database : expected.cluster.databases) {
        if (!has_database(received, database))
            missing.push_back("database \"" + database.name + "\" (" + place_of(database) + ")");
    }
    for (const auto& [oid, name] : expected.cluster.tablespaces) {
        if (!expected.streamed_tablespaces.contains(oid) &&
            !received.directories().contains(std::string(links_folder) + std::to_string(oid)))
            missing.push_back("tablespace \"" + name + "\" (" + std::to_string(oid) + ")");
    }
    for (const std::string& file : expected.configuration) {
        if (!received.has(file) && !expected.elsewhere.contains(file) &&
            std::none_of(received.skipped().begin(), received.skipped().end(),
                         [&](const std::string& skipped) { return is_below(file, skipped); }))
            missing.push_back("configuration file " + file);
    }
    for (const char* always : {"PG_VERSION", "global/pg_control"}) {
        if (!received.has(always)) missing.emplace_back(always);
    }
    for (const std::string& warning : received.warnings())
        missing.push_back("what the server warned of: " + warning);
    return missing;
}

}  // namespace walferry::backup
