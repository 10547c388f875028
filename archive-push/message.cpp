#include "archive-push/message.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/error.hpp"

namespace walferry::push {
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

void say(std::string_view text) noexcept {
    try {
        write_out(STDERR_FILENO, std::string(program) + ": " + one_line(text) + "\n");
    } catch (...) {
        write_out(STDERR_FILENO, "walferry-archive-push: out of memory\n");
    }
}

bool print(std::string_view text) noexcept {
    return write_out(STDOUT_FILENO, text);
}

}  // namespace walferry::push
