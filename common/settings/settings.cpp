#include "common/settings/settings.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/error.hpp"
#include "common/os/fd.hpp"
#include "common/settings/settings_reader.hpp"

namespace walferry {
namespace {

constexpr off_t largest_file = 1 << 20;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string read_file(const std::string& file) {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd && errno == ENOENT) {
        throw Error(ErrorKind::config, "no configuration file " + file,
                    "name it with --config or WALFERRY_CONFIG, or start from `walferry config --sample`");
    }
    const auto fail = [&](const std::string& why, const char* hint) {
        throw Error(ErrorKind::config, "cannot read the configuration file " + file + ": " + why, hint);
    };
    if (!fd) fail(std::strerror(errno), "");
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) fail(std::strerror(errno), "");
    if (!S_ISREG(info.st_mode)) fail("it is not a regular file", "");
    if ((info.st_mode & S_IWOTH) != 0)
        fail("everybody may write it", "chmod o-w it, after a look at what it says");
    if (info.st_size > largest_file) fail("it is larger than 1 MiB", "");

    std::string text;
    std::array<char, 16384> buffer{};
    while (true) {
        const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(std::strerror(errno), "");
        if (n == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(n));
        if (text.size() > static_cast<std::size_t>(largest_file)) fail("it is larger than 1 MiB", "");
    }
}

}  // namespace

SettingsReport check_settings(const std::string& file) {
    std::error_code failed;
    const std::string absolute = std::filesystem::absolute(file, failed).string();
    if (file.empty() || failed) throw Error(ErrorKind::config, "the configuration file has no name");
    return parse_settings(read_file(absolute), absolute, environment("CREDENTIALS_DIRECTORY"));
}

Settings load_settings(const std::string& file) {
    SettingsReport report = check_settings(file);
    if (report.problems.empty()) return std::move(report.settings);
    const std::size_t others = report.problems.size() - 1;
    throw Error(ErrorKind::config, report.problems.front(),
                others == 0 ? "" : "`walferry config` lists this and " + std::to_string(others) + " more");
}

}  // namespace walferry
