#include "uploader/backup/config_files.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <set>

#include "common/codec/strict_json.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

constexpr std::size_t most_bytes = std::size_t{16} << 20;  // of one file

void add_from(ServerConnection& server, const char* sql, std::set<std::string>& paths) {
    std::string why;
    const auto rows = server.try_query(sql, {}, false, why);
    if (!rows) return;  // what it would have told is extra
    for (int row = 0; row < rows->size(); ++row) {
        if (!rows->is_null(row, 0)) paths.insert(rows->text(row, 0));
    }
}

std::set<std::string> known_paths(ServerConnection& server, const ServerFacts& facts) {
    std::set<std::string> paths{facts.config_file, facts.hba_file, facts.ident_file};
    add_from(server, "SELECT DISTINCT sourcefile FROM pg_settings WHERE sourcefile IS NOT NULL", paths);
    add_from(server, "SELECT DISTINCT sourcefile FROM pg_file_settings", paths);
    if (facts.version >= 160000) {
        add_from(server, "SELECT DISTINCT file_name FROM pg_hba_file_rules", paths);
        add_from(server, "SELECT DISTINCT file_name FROM pg_ident_file_mappings", paths);
    }
    paths.erase("");
    return paths;
}

struct Writing {
    void operator()(archive* a) const noexcept { archive_write_free(a); }
};
struct Entry {
    void operator()(archive_entry* e) const noexcept { archive_entry_free(e); }
};

void check(archive* tar, int result) {
    if (result != ARCHIVE_OK) {
        const char* why = archive_error_string(tar);
        throw Error(ErrorKind::internal, std::string("cannot make a tar of the configuration: ") +
                                             (why == nullptr ? "unknown" : why));
    }
}

}  // namespace

bool inside_directory(const std::string& path, const std::string& directory) {
    return path.size() > directory.size() + 1 && path.starts_with(directory) &&
           (path[directory.size()] == '/' || directory.ends_with('/'));
}

ConfigFiles read_config_files(ServerConnection& server, const ServerFacts& facts,
                              const std::function<void(const std::string&)>& say) {
    ConfigFiles found;
    for (const std::string& path : known_paths(server, facts)) {
        if (inside_directory(path, facts.data_directory)) continue;
        const std::string not_part = "configuration file " + path + " is not part of this backup: ";
        if (!path.starts_with('/') || !is_utf8(path)) {
            say(not_part + "its path is no absolute one in UTF-8");
            continue;
        }
        std::string why;
        const auto rows = server.try_query("SELECT pg_read_binary_file($1, 0, $2::bigint, true)",
                                           {path, std::to_string(most_bytes + 1)}, true, why);
        if (!rows) {
            say(not_part + why +
                "; the role needs pg_read_server_files and EXECUTE on pg_read_binary_file, see "
                "docs/backup.md");
        } else if (rows->is_null(0, 0)) {
            say(not_part + "it does not exist");
        } else if (std::string content = rows->text(0, 0); content.size() > most_bytes) {
            say(not_part + "it is larger than 16 MiB");
        } else {
            found.files.push_back({path, std::move(content)});
        }
    }
    return found;
}

std::string config_tar(const ConfigFiles& files, WallTime now) {
    std::size_t room = 64 * 1024;
    for (const ConfigFiles::File& file : files.files) room += file.content.size() + file.path.size() + 8192;
    std::string text(room, '\0');
    std::size_t used = 0;
    const std::unique_ptr<archive, Writing> tar(archive_write_new());
    if (!tar) throw std::bad_alloc();
    check(tar.get(), archive_write_set_format_gnutar(tar.get()));
    check(tar.get(), archive_write_open_memory(tar.get(), text.data(), text.size(), &used));
    for (const ConfigFiles::File& file : files.files) {
        const std::unique_ptr<archive_entry, Entry> entry(archive_entry_new());
        if (!entry) throw std::bad_alloc();
        archive_entry_set_pathname(entry.get(), file.path.c_str() + 1);
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), 0640);
        archive_entry_set_uname(entry.get(), "postgres");
        archive_entry_set_gname(entry.get(), "postgres");
        const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
        archive_entry_set_mtime(entry.get(), seconds, 0);
        check(tar.get(), archive_write_header(tar.get(), entry.get()));
        if (archive_write_data(tar.get(), file.content.data(), file.content.size()) !=
            static_cast<la_ssize_t>(file.content.size()))
            check(tar.get(), ARCHIVE_FATAL);
    }
    check(tar.get(), archive_write_close(tar.get()));
    text.resize(used);
    return text;
}

}  // namespace walferry
