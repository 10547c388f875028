#include "archive-get/data_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "common/os/fd.hpp"
#include "common/wal/pg_control.hpp"

namespace walferry::get {
namespace {

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

std::string data_directory_of(const std::string& destination) {
    if (exists("global/pg_control")) return ".";
    const std::string control_file = control_file_beside(destination);
    return control_file.substr(0, control_file.size() - std::string("/global/pg_control").size());
}

/// A history file that the server has already, asked for as it is when the next one is written.
bool writes_history(const std::string& destination, const std::string& name) {
    const std::string wanted = "RECOVERYHISTORY";
    return destination.ends_with("/" + wanted) && name.ends_with(".history") &&
           exists(destination.substr(0, destination.size() - wanted.size()) + name);
}

}  // namespace

DataDirectory::DataDirectory(const std::string& destination, const std::string& name)
    : path_(data_directory_of(destination)),
      standby_(exists(path_ + "/standby.signal") ||
               (!exists(path_ + "/recovery.signal") && writes_history(destination, name))) {}

bool DataDirectory::is_known() const {
    return exists(path_ + "/global/pg_control");
}

std::optional<pid_t> DataDirectory::postmaster() const {
    const Fd file(::open((path_ + "/postmaster.pid").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 16> text{};
    if (!file) return std::nullopt;
    const ssize_t got = ::read(file.get(), text.data(), text.size());
    pid_t pid = 0;
    if (got <= 0) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + got, pid);
    if (error != std::errc() || pid <= 0) return std::nullopt;
    return pid;
}

}  // namespace walferry::get
