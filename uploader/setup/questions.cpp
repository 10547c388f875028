#include "uploader/setup/questions.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/error.hpp"

namespace walferry {
namespace {

constexpr std::size_t max_line = 4096;

/// A line, without buffering anything of it elsewhere.
SecretText read_line() {
    SecretText line(max_line);
    for (;;) {
        char byte = 0;
        const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            throw Error(ErrorKind::usage, "the answers ended too early",
                        "give them as options: walferry setup --help");
        if (byte == '\n') return line;
        line.append({&byte, 1});
    }
}

/// As long as it lives, the terminal shows nothing of what is typed.
class Silence {
  public:
    Silence() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    ~Silence() {
        if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    termios before_{};
    bool changed_ = false;
};

}  // namespace

bool can_ask() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

std::string ask(const std::string& question) {
    std::fprintf(stderr, "%s ", question.c_str());
    const SecretText line = read_line();
    std::string answer(line.view());
    answer.erase(0, answer.find_first_not_of(" \t"));
    answer.erase(answer.find_last_not_of(" \t\r") + 1);
    return answer;
}

SecretText ask_secret(const std::string& question) {
    std::fprintf(stderr, "%s ", question.c_str());
    const Silence silence;
    SecretText line = read_line();
    std::fputc('\n', stderr);
    return line;
}

}  // namespace walferry
