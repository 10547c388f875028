#include "uploader/setup/units.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "uploader/setup/public_files.hpp"

extern char** environ;

namespace walferry {
namespace {

// Applies to every unit whose name begins with "walferry-".
constexpr const char* drop_in_folder = "/etc/systemd/system/walferry-.service.d";

bool units_installed() {
    return exists("/lib/systemd/system/walferry-drain.service") ||
           exists("/etc/systemd/system/walferry-drain.service");
}

/// Quotes as unit files understand them; "%" would begin a specifier.
std::string unit_path(const std::string& path) {
    std::string out = "\"-";
    for (const char c : path) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '%') out += '%';
        out += c;
    }
    return out + "\"";
}

std::string drop_in_text(const Settings& settings) {
    std::string lines;
    const auto allow = [&](const std::string& path) {
        if (!path.empty() && !path.starts_with("/var/spool/walferry/"))
            lines += "ReadWritePaths=" + unit_path(path) + "\n";
    };
    allow(settings.spool);
    for (const StoreSettings& store : settings.stores) allow(store.path);
    if (lines.empty()) return lines;
    return "# Where " + settings.file + " lets walferry write beside /var/spool/walferry.\n[Service]\n" +
           lines;
}

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

std::vector<std::string> timers_for(const std::string& configuration) {
    static constexpr std::string_view folder = "/etc/walferry/", suffix = ".toml";
    if (!configuration.starts_with(folder) || !configuration.ends_with(suffix) || !units_installed())
        return {};
    const std::string name =
        configuration.substr(folder.size(), configuration.size() - folder.size() - suffix.size());
    if (name.find('/') != std::string::npos) return {};
    const std::string instance = name == "walferry" ? "" : "@" + name;
    return {"walferry-drain" + instance + ".timer", "walferry-backup" + instance + ".timer",
            "walferry-check" + instance + ".timer"};
}

std::optional<std::string> allow_paths(const Settings& settings) {
    const std::string text = drop_in_text(settings);
    if (text.empty() || !units_installed()) return std::nullopt;
    const std::string path = std::string(drop_in_folder) + "/" + settings.cluster + ".conf";
    if (text_of(path) == text) return std::nullopt;
    make_folder(drop_in_folder, 0755);
    // It is all ours, and says what the configuration says now.
    ::unlink(path.c_str());
    create_public_file(path, text);
    return path;
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

}  // namespace walferry
