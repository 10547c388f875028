#include "host/setup/questions.hpp"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "common/error.hpp"

namespace walferry::setup {
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

// What the handler below puts back; it can be told nothing.
termios terminal_before{};

/// Ends the process the way the signal would have, with the terminal as it was.
extern "C" void restore_and_end(int signal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_before);
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    ::sigaction(signal, &usual, nullptr);
    ::raise(signal);  // comes when the handler is left
}

/// As long as it lives, the terminal shows nothing of what is typed, and whoever ends the process gets a
/// terminal that shows it again. Ctrl-Z is not heard: the shell would have the terminal show what is typed
/// after `fg`.
class Silence {
  public:
    Silence() {
        if (::tcgetattr(STDIN_FILENO, &terminal_before) != 0) return;
        handle();
        termios silent = terminal_before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        changed_ = true;
    }
    ~Silence() {
        if (!changed_) return;
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_before);
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

    void handle() {
        for (std::size_t i = 0; i < signals.size(); ++i) {
            struct sigaction action {};
            action.sa_handler = signals[i] == SIGTSTP ? SIG_IGN : restore_and_end;
            ::sigaction(signals[i], &action, &before_[i]);
            // What nohup has switched off stays so.
            if (before_[i].sa_handler == SIG_IGN) ::sigaction(signals[i], &before_[i], nullptr);
        }
    }

    std::array<struct sigaction, signals.size()> before_{};
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

}  // namespace walferry::setup
