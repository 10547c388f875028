#include "host/check/handed_over.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "host/check/remedies.hpp"

namespace walferry::check {
namespace {

constexpr const char* unit_folders[] = {"/etc/systemd/system/", "/run/systemd/system/",
                                        "/usr/lib/systemd/system/", "/lib/systemd/system/"};

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str() + "\n";
}

/// The first that there is counts, as for systemd.
std::string unit_text(const std::string& unit) {
    for (const std::string folder : unit_folders) {
        const std::string text = text_of(folder + unit);
        if (text.size() > 1) return text;
    }
    return {};
}

std::string drop_ins(const std::string& unit) {
    std::string text;
    for (const std::string folder : unit_folders) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder + unit + ".d", error))
            if (entry.path().extension() == ".conf") text += text_of(entry.path());
    }
    return text;
}

/// "walferry-drain@.service" of "walferry-drain@NAME.service"; empty for a unit that is no instance.
std::string template_of(const std::string& unit) {
    const std::size_t at = unit.find('@');
    return at == std::string::npos ? std::string() : unit.substr(0, at + 1) + ".service";
}

}  // namespace

bool loads_credential(const std::string& unit_text, const std::string& path) {
    static constexpr std::string_view key = "LoadCredential=";
    const std::string folder = path.substr(0, path.rfind('/'));
    std::istringstream lines(unit_text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(key)) continue;
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::string loaded = line.substr(colon + 1);
        if (loaded == path || loaded == folder) return true;
    }
    return false;
}

bool handed_over(const Settings& settings, const std::string& path) {
    const std::string unit = drain_service(settings);
    if (::geteuid() != 0 || unit.empty()) return false;
    const std::string general = template_of(unit);
    std::string text = unit_text(unit);
    if (text.empty()) text = unit_text(general);
    text += drop_ins(unit);
    if (!general.empty()) text += drop_ins(general);
    return loads_credential(text, path);
}

}  // namespace walferry::check
