#include "restore/fetch/program_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/error.hpp"
#include "common/os/fd.hpp"

namespace walferry::fetch {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t longest_output = 16 * 1024;

class FileActions {
  public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    posix_spawn_file_actions_t* get() noexcept { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

/// False when time ran out.
bool read_to_end(int fd, std::string& text, steady_clock::time_point deadline) {
    std::array<char, 1024> buffer{};
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd input{fd, POLLIN, 0};
        const int ready = ::poll(&input, 1, static_cast<int>(left.count()));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        if (text.size() < longest_output) text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

std::string program_output(const std::vector<std::string>& command, milliseconds patience) {
    const auto deadline = steady_clock::now() + patience;
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno(errno, "make a pipe");
    const Fd output(ends[0]);
    Fd input(ends[1]);
    FileActions actions;
    ::posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(actions.get(), input.get(), 1);
    ::posix_spawn_file_actions_addopen(actions.get(), 2, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int err = ::posix_spawn(&child, words[0], actions.get(), nullptr, words.data(), environ);
    if (err != 0) throw Error(ErrorKind::server, "cannot run " + command[0] + ": " + std::strerror(err));
    input.reset();
    std::string text;
    const bool in_time = read_to_end(output.get(), text, deadline);
    if (!in_time) (void)::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) throw_errno(errno, "wait for " + command[0]);
    }
    if (!in_time || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw Error(ErrorKind::server, command[0] + (in_time ? " failed" : " did not end in time"));
    return text;
}

}  // namespace walferry::fetch
