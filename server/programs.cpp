#include "server/programs.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "common/error.hpp"
#include "common/os/fd.hpp"

namespace walferry::server {
namespace {

constexpr std::size_t longest_answer = 64 * 1024;

/// Only calls that are safe between fork and exec.
[[noreturn]] void become_program(const ServerUser& user, char* const* words, int out, int err) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    // PostgreSQL's programs refuse to run where real and effective user differ.
    if (::getuid() == 0 &&
        (::seteuid(0) != 0 || ::setgroups(user.groups.size(), user.groups.data()) != 0 ||
         ::setresgid(user.gid, user.gid, user.gid) != 0 || ::setresuid(user.uid, user.uid, user.uid) != 0))
        ::_exit(126);
    // Whoever asked may be given up on; what was asked ends too.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execv(words[0], words);
    ::_exit(127);
}

void collect(std::array<pollfd, 2> waiting, std::string& out, std::string& err) {
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
            std::array<char, 4096> buffer{};
            const ssize_t got = ::read(waiting[i].fd, buffer.data(), buffer.size());
            std::string& text = i == 0 ? out : err;
            if (got > 0 && text.size() < longest_answer)
                text.append(buffer.data(), static_cast<std::size_t>(got));
            if (got == 0 || (got < 0 && errno != EINTR)) waiting[i].fd = -1;
        }
    }
}

std::vector<std::string> folders_of_programs(int major_version, const std::string& folder) {
    if (!folder.empty()) return {folder};
    const std::string major = std::to_string(major_version);
    std::vector<std::string> folders{"/usr/lib/postgresql/" + major + "/bin", "/usr/pgsql-" + major + "/bin",
                                     "/usr/libexec/postgresql" + major};
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find(':'));
        if (one.starts_with('/')) folders.emplace_back(one);
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    }
    return folders;
}

/// "postgres (PostgreSQL) 15.14 (Debian …)"
bool is_version(const std::string& answer, int major_version) {
    const std::string_view text = answer;
    const std::size_t at = text.find(") ");
    const std::string major = std::to_string(major_version);
    return at != text.npos && text.substr(at + 2).starts_with(major) &&
           text.substr(at + 2 + major.size()).find_first_of("0123456789") != 0;
}

bool is_program(const std::string& path, int major_version, const ServerUser& user) {
    if (::access(path.c_str(), X_OK) != 0) return false;
    const ProgramAnswer answer = run_as(user, {path, "--version"});
    return answer.exit_code == 0 && is_version(answer.out, major_version);
}

}  // namespace

std::string program_beside_this_one(const std::string& name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) throw Error(ErrorKind::config, "cannot find this program's own place: " + error.message());
    const std::string path = (self.parent_path() / name).string();
    if (!std::filesystem::exists(path, error)) {
        throw Error(ErrorKind::config, "there is no " + path + ", which a recovering server needs",
                    "install it beside walferry");
    }
    return path;
}

ProgramAnswer run_as(const ServerUser& user, const std::vector<std::string>& words) {
    std::vector<std::string> copy = words;
    std::vector<char*> pointers;
    for (std::string& word : copy) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0)
        throw_errno(errno, "make a pipe");
    const Fd out_read(out[0]);
    const Fd err_read(err[0]);
    Fd out_write(out[1]);
    Fd err_write(err[1]);
    const pid_t child = ::fork();
    if (child < 0) throw_errno(errno, "start " + words.front());
    if (child == 0) become_program(user, pointers.data(), out_write.get(), err_write.get());
    out_write.reset();
    err_write.reset();
    ProgramAnswer answer;
    collect({pollfd{out_read.get(), POLLIN, 0}, pollfd{err_read.get(), POLLIN, 0}}, answer.out, answer.err);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) answer.exit_code = WEXITSTATUS(status);
    return answer;
}

std::string server_program(int major_version, const std::string& name, const ServerUser& user,
                           const std::string& folder) {
    const std::vector<std::string> folders = folders_of_programs(major_version, folder);
    for (const std::string& each : folders) {
        if (is_program(each + "/" + name, major_version, user)) return each + "/" + name;
    }
    for (const std::string& each : folders) {
        if (::access((each + "/pg_config").c_str(), X_OK) != 0) continue;
        const ProgramAnswer answer = run_as(user, {each + "/pg_config", "--bindir"});
        const std::string path = answer.out.substr(0, answer.out.find('\n')) + "/" + name;
        if (answer.exit_code == 0 && path.starts_with('/') && is_program(path, major_version, user))
            return path;
    }
    return {};
}

std::string places_of_programs(int major_version, const std::string& folder) {
    if (!folder.empty()) return folder;
    return "/usr/lib/postgresql/" + std::to_string(major_version) +
           "/bin and its like, PATH, pg_config --bindir";
}

}  // namespace walferry::server
