#include "uploader/backup/config_files.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <sstream>

#include "common/error.hpp"
#include "server/hba_file.hpp"
#include "server/setting_line.hpp"

namespace walferry::backup {
namespace {

constexpr std::size_t most_bytes = std::size_t{16} << 20;  // of one file
constexpr std::size_t most_files = 1000;

enum class Kind { settings, access, other };  // postgresql.conf, pg_hba.conf, anything else

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// Follows what each file says of others, as the server does.
class ConfigReader {
  public:
    ConfigReader(server::ServerConnection& server, const ServerFacts& facts,
                 const std::function<void(const std::string&)>& say)
        : server_(server), facts_(facts), say_(say) {}

    ConfigFiles run() {
        add(facts_.config_file, Kind::settings);
        add(facts_.hba_file, Kind::access);
        add(facts_.ident_file, Kind::access);
        add_from("SELECT DISTINCT sourcefile FROM pg_settings WHERE sourcefile IS NOT NULL", Kind::settings);
        add_from("SELECT DISTINCT sourcefile FROM pg_file_settings", Kind::settings);
        add_from(
            "SELECT CASE WHEN setting LIKE '/%' THEN setting ELSE current_setting('data_directory') || '/' "
            "|| "
            "setting END FROM pg_settings WHERE setting <> '' AND name IN ('ssl_cert_file', 'ssl_key_file', "
            "'ssl_ca_file', 'ssl_crl_file', 'ssl_dh_params_file')",
            Kind::other);
        while (!queue_.empty() && seen_.size() < most_files) {
            const auto [path, kind] = std::move(queue_.front());
            queue_.pop_front();
            read(path, kind);
        }
        std::sort(found_.files.begin(), found_.files.end(),
                  [](const auto& a, const auto& b) { return a.path < b.path; });
        return std::move(found_);
    }

  private:
    void add(const std::string& path, Kind kind) {
        const bool outside = !inside_directory(path, facts_.data_directory);
        // A server that was restored included settings of its recovery from there, which no backup takes
        // along.
        if (!outside && path_inside(path, facts_.data_directory).starts_with("pg_wal/")) return;
        // Certificates and keys outside of it are another host's own matter.
        if (path.empty() || (kind == Kind::other && outside)) return;
        if (seen_.insert(path).second) queue_.emplace_back(path, kind);
    }

    void add_from(const char* sql, Kind kind) {
        std::string why;
        const auto rows = server_.try_query(sql, {}, false, why);
        if (!rows) return;  // what it would have told is extra
        for (int row = 0; row < rows->size(); ++row) {
            if (!rows->is_null(row, 0)) add(rows->text(row, 0), kind);
        }
    }

    /// The server ignores what does not end in .conf, and what begins with a dot.
    void add_directory(const std::string& path, Kind kind) {
        std::string why;
        const auto rows = server_.try_query("SELECT pg_ls_dir($1, true, false)", {path}, false, why);
        if (!rows) {
            say_("the configuration directory " + path + " could not be listed: " + why +
                 "; the role needs EXECUTE on pg_ls_dir(text, boolean, boolean), see docs/backup.md. Files "
                 "in it "
                 "that set nothing at present may not be part of this backup");
            return;
        }
        for (int row = 0; row < rows->size(); ++row) {
            const std::string name = rows->text(row, 0);
            if (name.ends_with(".conf") && !name.starts_with('.'))
                add(server::absolute_from(path, name), kind);
        }
    }

    void follow(const std::string& path, const std::string& content, Kind kind) {
        const std::string from = directory_of(path);
        if (kind == Kind::settings) {
            std::istringstream lines(content);
            for (std::string line; std::getline(lines, line);) {
                const auto setting = server::SettingLine::parse(line);
                if (!setting) continue;
                const std::string target = server::absolute_from(from, setting->value);
                if (setting->name == "include" || setting->name == "include_if_exists") add(target, kind);
                if (setting->name == "include_dir") add_directory(target, kind);
            }
        }
        if (kind != Kind::access) return;
        (void)server::rewrite_hba(content, [&](server::HbaReference reference, const std::string& named) {
            const std::string target = server::absolute_from(from, named);
            if (reference == server::HbaReference::include_dir)
                add_directory(target, kind);
            else
                add(target, kind);
            return named;
        });
    }

    void read(const std::string& path, Kind kind) {
        const bool inside = inside_directory(path, facts_.data_directory);
        const std::string shown = inside ? path_inside(path, facts_.data_directory) : path;
        const std::string not_part = "configuration file " + shown + " is not part of this backup: ";
        std::string why;
        // A path inside may have bytes that the server would not take for text.
        const auto rows = server_.try_query("SELECT pg_read_binary_file($1, 0, $2::bigint, true)",
                                            {shown, std::to_string(most_bytes + 1)}, true, why);
        const bool exists = !rows || !rows->is_null(0, 0);
        if (inside && rows && exists) found_.inside.push_back(shown);
        if (!rows && !inside) {
            say_(not_part + why +
                 "; the role needs pg_read_server_files and EXECUTE on pg_read_binary_file, see "
                 "docs/backup.md");
        } else if (!exists && !inside) {
            say_(not_part + "it does not exist");
        } else if (rows && exists) {
            std::string content = rows->text(0, 0);
            if (content.size() > most_bytes) {
                if (!inside) say_(not_part + "it is larger than 16 MiB");
                return;
            }
            follow(path, content, kind);
            found_.files.push_back({path, std::move(content)});
        }
    }

    server::ServerConnection& server_;
    const ServerFacts& facts_;
    const std::function<void(const std::string&)>& say_;
    std::set<std::string> seen_;
    std::deque<std::pair<std::string, Kind>> queue_;
    ConfigFiles found_;
};

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

std::string path_inside(const std::string& path, const std::string& directory) {
    return path.substr(directory.size() + (directory.ends_with('/') ? 0 : 1));
}

ConfigFiles read_config_files(server::ServerConnection& server, const ServerFacts& facts,
                              const std::function<void(const std::string&)>& say) {
    return ConfigReader(server, facts, say).run();
}

std::string config_tar(const std::vector<ConfigFiles::File>& files, WallTime now) {
    std::size_t room = 64 * 1024;
    for (const ConfigFiles::File& file : files) room += file.content.size() + file.path.size() + 8192;
    std::string text(room, '\0');
    std::size_t used = 0;
    const std::unique_ptr<archive, Writing> tar(archive_write_new());
    if (!tar) throw std::bad_alloc();
    check(tar.get(), archive_write_set_format_gnutar(tar.get()));
    check(tar.get(), archive_write_open_memory(tar.get(), text.data(), text.size(), &used));
    for (const ConfigFiles::File& file : files) {
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

}  // namespace walferry::backup
