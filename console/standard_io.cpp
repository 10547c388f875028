#include "console/standard_io.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "common/error.hpp"
#include "common/os/fd.hpp"

namespace walferry::console {

std::size_t read_standard_input(MutableBytes out) {
    std::size_t filled = 0;
    while (filled < out.size()) {
        const ssize_t got = ::read(STDIN_FILENO, out.data() + filled, out.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno(errno, "read standard input");
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    return filled;
}

void StandardOutput::write(Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw_errno(errno, "write to standard output");
        used_ = true;
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
}

void StandardOutput::finish() {
    Fd copy(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!copy || (::close(copy.release()) != 0 && errno != EINTR))
        throw_errno(errno, "write to standard output");
}

void pump_standard_input(Sink& sink) {
    std::vector<std::byte> buffer(256 * 1024);
    while (const std::size_t got = read_standard_input(buffer)) sink.write(Bytes(buffer).first(got));
    sink.finish();
}

}  // namespace walferry::console
