#pragma once
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/os/fd.hpp"

namespace walferry::test {

struct Outcome {
    int exit_code = -1;  // -1: ended by `signal`
    int signal = 0;
    std::string out;
    std::string err;
};

/// A program that runs with its output caught. A minute without an end is a failure, not a hanging test.
class Process {
  public:
    explicit Process(std::vector<std::string> argv) : argv_(std::move(argv)) {}

    Process& directory(std::string path) {
        return before([path] { (void)!::chdir(path.c_str()); });
    }
    Process& environment(std::string name, std::string value) {
        return before([name, value] { ::setenv(name.c_str(), value.c_str(), 1); });
    }
    /// Done in the child before the program starts.
    Process& before(std::function<void()> step) {
        steps_.push_back(std::move(step));
        return *this;
    }
    /// Done while the program runs, right after its start.
    Process& meanwhile(std::function<void(pid_t)> step) {
        meanwhile_ = std::move(step);
        return *this;
    }

    Outcome run() {
        auto [out_read, out_write] = pipe();
        auto [err_read, err_write] = pipe();
        const pid_t child = ::fork();
        if (child < 0) throw std::runtime_error("cannot fork");
        if (child == 0) {
            ::dup2(out_write.get(), STDOUT_FILENO);
            ::dup2(err_write.get(), STDERR_FILENO);
            std::vector<char*> words;
            for (std::string& word : argv_) words.push_back(word.data());
            words.push_back(nullptr);
            for (const auto& step : steps_) step();
            ::execvp(words[0], words.data());
            ::_exit(127);
        }
        out_write.reset();
        err_write.reset();
        if (meanwhile_) meanwhile_(child);
        Outcome outcome;
        collect(child, out_read.get(), outcome.out, err_read.get(), outcome.err);
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
        if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
        return outcome;
    }

  private:
    static std::pair<Fd, Fd> pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
        return {Fd(ends[0]), Fd(ends[1])};
    }
    static void collect(pid_t child, int out, std::string& out_text, int err, std::string& err_text) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        std::array<pollfd, 2> waiting{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
        while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
            if (std::chrono::steady_clock::now() > limit) ::kill(child, SIGKILL);
            if (::poll(waiting.data(), waiting.size(), 1000) <= 0) continue;
            for (std::size_t i = 0; i < waiting.size(); ++i) {
                if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
                std::array<char, 4096> buffer{};
                const ssize_t got = ::read(waiting[i].fd, buffer.data(), buffer.size());
                if (got > 0)
                    (i == 0 ? out_text : err_text).append(buffer.data(), static_cast<std::size_t>(got));
                if (got == 0) waiting[i].fd = -1;
            }
        }
    }

    std::vector<std::string> argv_;
    std::vector<std::function<void()>> steps_;
    std::function<void(pid_t)> meanwhile_;
};

/// True when there is such a program on the PATH.
inline bool has_program(const std::string& name) {
    return Process({"sh", "-c", "command -v " + name}).run().exit_code == 0;
}

}  // namespace walferry::test
