#include "restore/server_configuration.hpp"

#include <algorithm>
#include <array>

#include "restore/recovery_file.hpp"
#include "server/setting_line.hpp"

namespace walferry::restore {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '$';
}

/// What separates the paths in the value of a setting that holds several; 0 for any other one.
char separator_of(std::string_view name) {
    if (is_one_of(name, {"unix_socket_directories", "shared_preload_libraries", "session_preload_libraries",
                         "local_preload_libraries"}))
        return ',';
    return is_one_of(name, {"dynamic_library_path", "extension_control_path"}) ? ':' : '\0';
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(separator, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

/// Whether a command, say, has the directory or something below it in its text.
bool names_inside(std::string_view text, std::string_view directory) {
    for (std::size_t at = text.find(directory); at != text.npos; at = text.find(directory, at + 1)) {
        const std::size_t end = at + directory.size();
        const bool begins = at == 0 || (!is_name_character(text[at - 1]) && text[at - 1] != '/');
        if (begins && (end == text.size() || (!is_name_character(text[end]) && text[end] != '-')))
            return true;
    }
    return false;
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

class Mover {
  public:
    Mover(const std::string& path, const MovedServer& server) : path_(path), server_(server) {}

    void line(std::string_view line) {
        if (line.starts_with("# Written by walferry restore")) return;
        const auto setting = server::SettingLine::parse(line);
        if (!setting) return keep(line);
        const std::string& name = setting->name;
        // Without them the server looks beside its postgresql.conf, where the files are put.
        const bool access_inside = is_one_of(name, {"hba_file", "ident_file"}) &&
                                   server::is_below(setting->value, server_.old_data_directory);
        if (is_one_of(name, {"data_directory", "hba_file", "ident_file", "external_pid_file"}) &&
            !access_inside)
            return drop(line);
        if (is_recovery_include(setting->value)) return;
        if (is_recovery_target(name)) return drop(line);
        if (is_one_of(name, {"include", "include_if_exists", "include_dir"})) return include(line, *setting);
        const std::string value = moved_value(*setting);
        if (value != setting->value) {
            drop(line);
            set(name, value);
        } else {
            keep(line);
        }
        look_at({name, value});
        moved_.settings.push_back({name, value});
    }

    MovedConfiguration take() { return std::move(moved_); }

  private:
    void keep(std::string_view line) { moved_.text.append(line).append("\n"); }
    void drop(std::string_view line) {
        moved_.text.append("# before the restore: ").append(line).append("\n");
    }
    void set(const std::string& name, const std::string& value) {
        moved_.text += name + " = " + server::quote_setting(value) + "\n";
    }

    void include(std::string_view line, const server::SettingLine& setting) {
        const std::string wanted = server::absolute_from(directory_of(path_), setting.value);
        if (server::is_below(wanted, server_.old_data_directory)) {
            if (setting.value.front() != '/') return keep(line);
            drop(line);
            return set(setting.name,
                       server_.new_data_directory + wanted.substr(server_.old_data_directory.size()));
        }
        const auto place = server_.place_of(wanted);
        if (place) moved_.included.push_back(wanted);
        if (place && setting.value.front() != '/') return keep(line);
        drop(line);
        if (place) {
            set(setting.name, *place);
        } else if (setting.name == "include") {
            moved_.notes.push_back(path_ + " includes " + wanted + ", which is not in the backup");
        }
    }

    std::string moved_path(const std::string& path) const {
        if (!server::is_below(path, server_.old_data_directory)) return path;
        return server_.new_data_directory + path.substr(server_.old_data_directory.size());
    }

    /// The value with every path into the old data directory moved, in a list each by itself.
    std::string moved_value(const server::SettingLine& setting) const {
        const char separator = separator_of(setting.name);
        if (separator == '\0') return moved_path(setting.value);
        std::string moved;
        for (const std::string& part : split(setting.value, separator)) {
            const std::size_t begin = std::min(part.find_first_not_of(" \t\""), part.size());
            const std::size_t end = std::max(part.find_last_not_of(" \t\"") + 1, begin);
            moved += (moved.empty() ? std::string() : std::string(1, separator)) + part.substr(0, begin) +
                     moved_path(part.substr(begin, end - begin)) + part.substr(end);
        }
        return moved;
    }

    void look_at(const server::SettingLine& setting) {
        if (server_.old_data_directory != server_.new_data_directory &&
            names_inside(setting.value, server_.old_data_directory)) {
            moved_.notes.push_back(setting.name + " names " + server_.old_data_directory +
                                   ", where the server was: " + setting.value);
        }
        if (setting.name == "unix_socket_directories") {
            for (const std::string& part : split(setting.value, ',')) {
                const std::string path = part.substr(std::min(part.find_first_not_of(" \t\""), part.size()));
                if (path.starts_with('/') && !server::is_below(path, server_.new_data_directory) &&
                    !server_.exists(path))
                    moved_.notes.push_back(
                        "unix_socket_directories names " + path +
                        ", which is not on this host: the server does not start without it");
            }
        }
        const bool certificate =
            is_one_of(setting.name, {"ssl_cert_file", "ssl_key_file", "ssl_ca_file", "ssl_crl_file"});
        if (certificate && setting.value.starts_with('/') && !server_.exists(setting.value)) {
            moved_.notes.push_back(setting.name + " names " + setting.value +
                                   ", which is not on this host: put it there, or start with -c ssl=off");
        }
    }

    const std::string& path_;
    const MovedServer& server_;
    MovedConfiguration moved_;
};

}  // namespace

MovedConfiguration move_configuration(std::string_view text, const std::string& path,
                                      const MovedServer& server) {
    Mover mover(path, server);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        mover.line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return mover.take();
}

}  // namespace walferry::restore
