#include "tests/fault/model/child.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "tests/fault/model/broken.hpp"
#include "tests/temp_dir.hpp"

namespace walferry::test::model {
namespace {

void redirect(const std::string& log) {
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) ::_exit(126);
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
}

// Before anything can kill it, there is a log to read.
pid_t forked(const std::string& log) {
    std::ofstream(log, std::ios::trunc);
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("cannot fork");
    return pid;
}

}  // namespace

Child::Child(const std::string& log, std::vector<std::string> argv) : log_(log), pid_(forked(log)) {
    if (pid_ != 0) return;
    redirect(log);
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
}

Child::Child(const std::string& log, const std::function<int()>& body) : log_(log), pid_(forked(log)) {
    if (pid_ != 0) return;
    redirect(log);
    ::_exit(body());
}

Child::~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Child::kill_after(unsigned microseconds) const {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    ::kill(pid_, SIGKILL);
}

Ended Child::finish() {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    int status = 0;
    for (unsigned pause = 200; ::waitpid(pid_, &status, WNOHANG) == 0; pause = std::min(pause * 2, 5000U)) {
        if (std::chrono::steady_clock::now() > limit)
            throw Broken("every wait is bounded", "a program has not ended after two minutes: " + log_);
        std::this_thread::sleep_for(std::chrono::microseconds(pause));
    }
    pid_ = -1;
    Ended ended;
    if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
    ended.said = read_file(log_);
    return ended;
}

}  // namespace walferry::test::model
