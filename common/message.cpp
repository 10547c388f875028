#include "common/message.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/error.hpp"

namespace walferry {
namespace {

bool write_out(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t put = ::write(fd, text.data(), text.size());
        if (put < 0 && errno != EINTR) return false;
        if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

}  // namespace

void say_line(std::string_view program, std::string_view text) noexcept {
    try {
        write_out(STDERR_FILENO, std::string(program) + ": " + one_line(text) + "\n");
    } catch (...) {
        write_out(STDERR_FILENO, program);
        write_out(STDERR_FILENO, ": out of memory\n");
    }
}

bool print_text(std::string_view text) noexcept {
    return write_out(STDOUT_FILENO, text);
}

}  // namespace walferry
