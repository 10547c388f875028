#include "console/escaped_output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/printable.hpp"

namespace walferry::console {
namespace {

/// A stream of stdio's, which gives its bytes in pieces: a character may be cut between two of them.
struct Escaped {
    int descriptor;
    std::string kept;  // the beginning of a character whose end is to come
};

std::size_t cut_off_at_end(std::string_view text) {
    for (std::size_t length = 1; length <= 3 && length <= text.size(); ++length) {
        const std::string_view tail = text.substr(text.size() - length);
        if ((static_cast<unsigned char>(tail.front()) & 0xc0U) == 0x80) continue;
        return may_be_cut_off(tail) ? length : 0;
    }
    return 0;
}

ssize_t write_escaped(void* cookie, const char* bytes, std::size_t size) noexcept {
    auto& stream = *static_cast<Escaped*>(cookie);
    try {
        std::string text = std::move(stream.kept);
        text.append(bytes, size);
        const std::size_t cut = cut_off_at_end(text);
        stream.kept = text.substr(text.size() - cut);
        text.resize(text.size() - cut);
        const std::string shown = printable_text(text);
        for (std::string_view rest = shown; !rest.empty();) {
            const ssize_t put = ::write(stream.descriptor, rest.data(), rest.size());
            if (put < 0 && errno != EINTR) return 0;
            if (put > 0) rest.remove_prefix(static_cast<std::size_t>(put));
        }
        return static_cast<ssize_t>(size);
    } catch (...) {
        errno = ENOMEM;
        return 0;
    }
}

// glibc's standard streams are variables that may be set like any other.
void replace(FILE*& stream, Escaped& escaped, int buffering) {
    std::fflush(stream);
    FILE* const replacement = ::fopencookie(&escaped, "w", {nullptr, write_escaped, nullptr, nullptr});
    if (replacement == nullptr) throw_errno(errno, "open an output");
    std::setvbuf(replacement, nullptr, buffering, BUFSIZ);
    stream = replacement;
}

}  // namespace

void escape_standard_output() {
    // They live as long as the streams do, which is until the very end.
    static auto& out = *new Escaped{STDOUT_FILENO, {}};
    static auto& err = *new Escaped{STDERR_FILENO, {}};
    replace(stdout, out, ::isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF);
    replace(stderr, err, _IONBF);
}

}  // namespace walferry::console
