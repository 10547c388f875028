#include "common/store/directory_error.hpp"

#include <array>
#include <cerrno>

namespace walferry {
namespace {

struct Meaning {
    int os_error;
    ErrorKind kind;
    const char* hint;
};

constexpr const char* server_gone = "is the file server up, and the network? ";
constexpr const char* rights =
    "the user that runs walferry must be able to write there; see owner, mode and mount options of ";
constexpr const char* full = "free space there; nothing was lost, the upload stays pending: ";
constexpr const char* odd_name = "something else was put where an object belongs; see below ";

constexpr std::array table{
    Meaning{EIO, ErrorKind::unreachable, "the medium or the file server has a fault, see dmesg: "},
    Meaning{ESTALE, ErrorKind::unreachable, "the file server was replaced or restarted; mount it again: "},
    Meaning{ETIMEDOUT, ErrorKind::unreachable, server_gone},
    Meaning{EHOSTDOWN, ErrorKind::unreachable, server_gone},
    Meaning{EHOSTUNREACH, ErrorKind::unreachable, server_gone},
    Meaning{ENETUNREACH, ErrorKind::unreachable, server_gone},
    Meaning{ECONNREFUSED, ErrorKind::unreachable, server_gone},
    Meaning{ECONNRESET, ErrorKind::unreachable, server_gone},
    Meaning{ECONNABORTED, ErrorKind::unreachable, server_gone},
    Meaning{ENOTCONN, ErrorKind::unreachable, server_gone},
    Meaning{ENODEV, ErrorKind::unreachable, "mount it again: "},
    Meaning{ENXIO, ErrorKind::unreachable, "mount it again: "},
    // What may be missing is asked for without an error; a folder went while it was used.
    Meaning{ENOENT, ErrorKind::server_error, "another process removes folders below "},
    Meaning{ENOSPC, ErrorKind::no_space, full},
    Meaning{EDQUOT, ErrorKind::no_space, full},
    Meaning{EACCES, ErrorKind::denied, rights},
    Meaning{EPERM, ErrorKind::denied, rights},
    Meaning{EROFS, ErrorKind::denied, "it is mounted read-only, perhaps after an error, see dmesg: "},
    Meaning{EFBIG, ErrorKind::rejected, "the filesystem takes no file of that size: "},
    Meaning{ENAMETOOLONG, ErrorKind::rejected,
            "shorten `prefix` or `cluster`; the filesystem takes no such name: "},
    Meaning{EINVAL, ErrorKind::rejected, "the filesystem does not offer what is needed: "},
    Meaning{EOPNOTSUPP, ErrorKind::rejected, "the filesystem does not offer what is needed: "},
    Meaning{ELOOP, ErrorKind::rejected, odd_name},
    Meaning{ENOTDIR, ErrorKind::rejected, odd_name},
    Meaning{EISDIR, ErrorKind::rejected, odd_name},
};

}  // namespace

Error directory_error(const Error& error, const std::string& doing, const std::string& path) {
    const std::string message = doing + ": " + error.message();
    for (const Meaning& row : table) {
        if (row.os_error == error.os_error) return Error(row.kind, message, row.hint + path);
    }
    return Error(error.kind(), message, error.hint());
}

}  // namespace walferry
