#include "uploader/restore/server_access.hpp"

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
#include <cstring>
#include <filesystem>

#include "common/error.hpp"
#include "common/fd.hpp"
#include "common/store/object_store.hpp"
#include "uploader/fetch/object_read.hpp"

namespace walferry {
namespace {

constexpr std::size_t longest_answer = 64 * 1024;

void check_program(const std::string& path) {
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0)
        throw Error(ErrorKind::config, "cannot run " + path + ": " + std::strerror(errno));
}

void check_everything(const Settings& settings, const std::vector<std::string>& stores) {
    check_program(program_beside_this_one("walferry-archive-get"));
    check_program(program_beside_this_one("walferry"));
    const Settings theirs = load_settings(settings.file);
    decode_options(theirs);
    for (const StoreSettings& store : theirs.stores) {
        if (std::find(stores.begin(), stores.end(), store.name) != stores.end())
            open_store(store, StoreAccess::restore);
    }
}

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

void check_access(const ServerUser& user, const Settings& settings, const std::vector<std::string>& stores) {
    try {
        const ActingAs acting(user);
        check_everything(settings, stores);
    } catch (const Error& error) {
        throw Error(
            ErrorKind::config, "the server's user " + user.name + " could not recover: " + error.message(),
            "its restore_command reads the configuration, the identity and the stores' credentials: make "
            "them root's, of a group of " +
                user.name + ", mode 0640. Nothing was written");
    }
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

std::string server_program(int major_version, const std::string& name) {
    const std::string major = std::to_string(major_version);
    for (const std::string& folder :
         {"/usr/lib/postgresql/" + major + "/bin/", "/usr/pgsql-" + major + "/bin/",
          "/usr/libexec/postgresql" + major + "/"}) {
        if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
    }
    return {};
}

}  // namespace walferry
