#include "host/check/server_program.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "common/os/fd.hpp"
#include "server/programs.hpp"

namespace walferry::check {
namespace {

constexpr const char* usual_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t longest_script = 64 * 1024;

std::string process_file(const ServerState& state, const char* name) {
    if (!state.process || state.process->pid <= 0) return {};
    return "/proc/" + std::to_string(state.process->pid) + "/" + name;
}

std::string head_of(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    std::string text(longest_script, '\0');
    const ssize_t got = ::read(file.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

}  // namespace

std::string server_environment(const ServerState& state, const std::string& name) {
    std::ifstream file(process_file(state, "environ"), std::ios::binary);
    std::string variable;
    while (std::getline(file, variable, '\0')) {
        if (variable.starts_with(name + "=")) return variable.substr(name.size() + 1);
    }
    return {};
}

std::string server_path(const ServerState& state) {
    const std::string path = server_environment(state, "PATH");
    return path.empty() ? usual_path : path;
}

bool server_has_other_root(const ServerState& state) {
    struct stat theirs {};
    struct stat ours {};
    const std::string path = process_file(state, "root");
    return !path.empty() && ::stat(path.c_str(), &theirs) == 0 && ::stat("/", &ours) == 0 &&
           (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino);
}

std::string find_program(const std::string& name, const std::string& path,
                         const std::string& data_directory) {
    if (name.find('/') != std::string::npos)
        return name.front() == '/' || data_directory.empty() ? name : data_directory + "/" + name;
    std::istringstream folders(path);
    std::string folder;
    while (std::getline(folders, folder, ':')) {
        const std::string candidate = folder + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

bool script_runs_push(const std::string& path) {
    std::istringstream lines(head_of(path));
    std::string line;
    if (!std::getline(lines, line) || !line.starts_with("#!")) return false;
    while (std::getline(lines, line)) {
        const std::size_t call = line.find("walferry-archive-push");
        if (call != std::string::npos && line.find('#') > call) return true;
    }
    return false;
}

}  // namespace walferry::check
