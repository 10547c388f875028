#include "tests/fault/model/faulty_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "common/os/fd.hpp"

namespace {

std::atomic<int> links_to_go = -1;

void flip_the_middle_bit(int directory, const char* name) {
    const walferry::Fd file(::openat(directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    char byte = 0;
    if (!file || ::fstat(file.get(), &status) != 0) std::abort();
    const off_t middle = status.st_size / 2;
    if (::pread(file.get(), &byte, 1, middle) != 1) std::abort();
    byte = static_cast<char>(byte ^ 1);
    if (::pwrite(file.get(), &byte, 1, middle) != 1) std::abort();
}

}  // namespace

// What this program links statically calls this one instead of the C library's.
extern "C" int linkat(int from_directory, const char* from, int to_directory, const char* to,
                      int flags) noexcept {
    const auto result =
        static_cast<int>(::syscall(SYS_linkat, from_directory, from, to_directory, to, flags));
    const bool object = std::string_view(to).find(".zst") != std::string_view::npos;
    if (result == 0 && object && links_to_go >= 0 && links_to_go-- == 0)
        flip_the_middle_bit(to_directory, to);
    return result;
}

namespace walferry::test::model {

void flip_a_bit_after(int links) {
    links_to_go = links;
}

}  // namespace walferry::test::model
