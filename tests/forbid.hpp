#pragma once
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace walferry::test {

/// A system call that shall fail, as it does on another kernel or filesystem: `call` when the bits of `mask`
/// in its argument number `argument` are equal to `value`.
struct Forbidden {
    std::uint32_t call;
    std::uint32_t argument;
    std::uint32_t mask;
    std::uint32_t value;
    std::uint32_t error;
};

inline constexpr std::uint32_t tmpfile_bit = O_TMPFILE & ~O_DIRECTORY;
inline constexpr Forbidden no_unnamed_files{__NR_openat, 2, tmpfile_bit, tmpfile_bit, EOPNOTSUPP};
inline constexpr Forbidden no_link_by_descriptor{__NR_linkat, 4, AT_EMPTY_PATH, AT_EMPTY_PATH, ENOENT};
inline constexpr Forbidden no_link_by_proc{__NR_linkat, 4, AT_SYMLINK_FOLLOW, AT_SYMLINK_FOLLOW, ENOENT};
inline constexpr Forbidden no_links{__NR_linkat, 0, 0, 0, EPERM};
inline constexpr Forbidden no_rename_noreplace{__NR_renameat2, 0, 0, 0, EINVAL};
inline constexpr Forbidden no_fallocate{__NR_fallocate, 0, 0, 0, EOPNOTSUPP};
inline constexpr Forbidden no_mapping{__NR_mmap, 2, 0xffffffff, PROT_READ, ENODEV};  // static programs only
inline constexpr Forbidden no_clone{__NR_ioctl, 1, 0xffffffff, FICLONE, EOPNOTSUPP};

inline std::vector<sock_filter> filter_program(const std::vector<Forbidden>& rules) {
    std::vector<sock_filter> program;
    for (const Forbidden& rule : rules) {
        const auto low_half = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * rule.argument);
        program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule.call, 0, 4));
        program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_half));
        program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, rule.mask));
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule.value, 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | rule.error));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    return program;
}

/// For the calling process and what it starts, for good: call it in a child. Needs no privilege.
inline bool install(std::vector<sock_filter>& program) {
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

inline bool forbid(const std::vector<Forbidden>& rules) {
    std::vector<sock_filter> program = filter_program(rules);
    return install(program);
}

}  // namespace walferry::test
