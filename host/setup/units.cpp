#include "host/setup/units.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "common/error.hpp"
#include "host/setup/public_files.hpp"
#include "server/conninfo.hpp"
#include "server/setting_line.hpp"

extern char** environ;

namespace walferry::setup {
namespace {

// systemd asks them in this order.
constexpr const char* drain_units[] = {"/etc/systemd/system/walferry-drain.service",
                                       "/lib/systemd/system/walferry-drain.service"};
// Applies to every unit whose name begins with "walferry-".
constexpr const char* drop_in_folder = "/etc/systemd/system/walferry-.service.d";

/// "main" of /etc/walferry/main.toml; empty for a file elsewhere.
std::string instance_of(const std::string& configuration) {
    static constexpr std::string_view folder = "/etc/walferry/", suffix = ".toml";
    if (!configuration.starts_with(folder) || !configuration.ends_with(suffix)) return {};
    if (configuration.size() <= folder.size() + suffix.size()) return {};
    std::string name =
        configuration.substr(folder.size(), configuration.size() - folder.size() - suffix.size());
    return name.find('/') == std::string::npos ? name : std::string();
}

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

bool is_below(const std::string& path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// Links on the way count as what they lead to.
std::string resolved(const std::string& path) {
    std::error_code failed;
    const std::filesystem::path real = std::filesystem::weakly_canonical(path, failed);
    return failed ? path : real.string();
}

/// The line of the units that hides a path from them; empty where none does.
std::string hidden_by(const std::string& path) {
    const std::string real = resolved(path);
    for (const char* folder : {"/home", "/root", "/run/user"}) {
        if (is_below(real, folder)) return "ProtectHome=yes";
    }
    for (const char* folder : {"/tmp", "/var/tmp"}) {
        if (is_below(real, folder)) return "PrivateTmp=yes";
    }
    return {};
}

void refuse_hidden(const std::string& what, const std::string& path, const std::string& hint) {
    const std::string line = path.empty() ? "" : hidden_by(path);
    if (line.empty()) return;
    throw Error(ErrorKind::usage,
                what + " " + path + " is hidden from the systemd units that are to use it (" + line + ")",
                hint);
}

/// As unit files understand it; "%" would begin a specifier. With a "-" it does not matter that it is
/// missing.
std::string unit_path(const std::string& path) {
    std::string out = "\"-";
    for (const char c : path) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '%') out += '%';
        out += c;
    }
    return out + "\"";
}

std::string writable_places(const Settings& settings) {
    std::string lines;
    std::set<std::string> named;
    const auto allow = [&](const std::string& path) {
        if (path.empty() || path.starts_with("/var/spool/walferry/") || !named.insert(path).second) return;
        lines += "ReadWritePaths=" + unit_path(path) + "\n";
    };
    allow(settings.spool);
    for (const StoreSettings& store : settings.stores) allow(store.path);
    // Their own /tmp and /var/tmp are writable.
    if (hidden_by(settings.work_dir).empty()) allow(settings.work_dir);
    return lines;
}

/// A socket in /tmp, where servers that belong to other users than postgres often have it. systemd mounts it
/// from the host's /tmp into the units' own.
std::string visible_sockets(const Settings& settings) {
    std::string lines;
    for (const server::SocketPlace& place :
         server::socket_places(server::parse_conninfo(settings.server_conninfo))) {
        if (hidden_by(place.directory) != "PrivateTmp=yes") continue;
        const std::string real = resolved(place.directory);
        const bool whole_folder = real != "/tmp" && real != "/var/tmp";
        lines += "BindReadOnlyPaths=" + unit_path(whole_folder ? place.directory : place.file) + "\n";
    }
    return lines;
}

/// By this line a file is known to be ours, and for which configuration.
std::string drop_in_head(const Settings& settings) {
    return "# By walferry setup, from " + settings.file +
           ": what the units need for it besides their own lines.\n";
}

}  // namespace

bool units_run(const std::string& configuration) {
    return !instance_of(configuration).empty() && (exists(drain_units[0]) || exists(drain_units[1]));
}

std::string units_user() {
    for (const char* unit : drain_units) {
        std::istringstream lines(text_of(unit));
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("User=") && line.size() > 5) return line.substr(5);
        }
        if (exists(unit)) break;
    }
    return "walferry";
}

std::vector<std::string> timers_for(const std::string& configuration, bool backups, bool expires) {
    if (!units_run(configuration)) return {};
    const std::string name = instance_of(configuration);
    const std::string instance = name == "walferry" ? "" : "@" + name;
    std::vector<std::string> timers{"walferry-drain" + instance + ".timer"};
    if (backups) timers.push_back("walferry-backup" + instance + ".timer");
    timers.push_back("walferry-check" + instance + ".timer");
    timers.push_back("walferry-verify" + instance + ".timer");
    if (expires) timers.push_back("walferry-expire" + instance + ".timer");
    return timers;
}

void refuse_hidden_places(const Settings& settings) {
    if (!units_run(settings.file)) return;
    refuse_hidden("the spool", settings.spool,
                  "--spool DIR, below /var/spool/walferry unless you have a reason");
    for (const StoreSettings& store : settings.stores) {
        refuse_hidden("store " + store.name + ":", store.path,
                      "mount it elsewhere, such as below /mnt or /srv");
        refuse_hidden("store " + store.name + ": the authority", store.ca_file,
                      "put it beside the configuration, and name it there in ca_file");
    }
    if (settings.work_dir != "/tmp" && settings.work_dir != "/var/tmp")
        refuse_hidden("work_dir", settings.work_dir, "/var/tmp, or a folder that is in none of these");
    for (const server::SocketPlace& place :
         server::socket_places(server::parse_conninfo(settings.server_conninfo))) {
        if (hidden_by(place.directory) == "ProtectHome=yes")
            refuse_hidden("the server's socket in", place.directory,
                          "let the server have one in /var/run/postgresql too (unix_socket_directories), and "
                          "name that with --conninfo host=/var/run/postgresql");
    }
}

DropIn write_drop_in(const Settings& settings) {
    DropIn drop_in;
    if (!units_run(settings.file)) return drop_in;
    const std::string head = drop_in_head(settings);
    const std::string lines = writable_places(settings) + visible_sockets(settings);
    drop_in.path = std::string(drop_in_folder) + "/50-walferry-" + instance_of(settings.file) + ".conf";
    const std::string present = text_of(drop_in.path);
    const bool is_ours = present.starts_with(head);
    if (lines.empty()) {
        if (is_ours && ::unlink(drop_in.path.c_str()) == 0) drop_in.state = DropIn::State::removed;
        return drop_in;
    }
    drop_in.text = head + "[Service]\n" + lines;
    drop_in.state = DropIn::State::kept;
    if (present == drop_in.text) return drop_in;
    drop_in.state = DropIn::State::foreign;
    if (exists(drop_in.path) && !is_ours) return drop_in;
    make_folder(drop_in_folder, 0755);
    replace_public_file(drop_in.path, drop_in.text);
    drop_in.state = DropIn::State::written;
    return drop_in;
}

bool systemd_runs() {
    return exists("/run/systemd/system");
}

bool run_program(std::vector<std::string> words) {
    std::vector<char*> list;
    for (std::string& word : words) list.push_back(word.data());
    list.push_back(nullptr);
    std::fflush(stdout);
    pid_t child = 0;
    if (::posix_spawnp(&child, list[0], nullptr, nullptr, list.data(), environ) != 0) return false;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace walferry::setup
