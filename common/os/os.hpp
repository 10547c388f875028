#pragma once
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "common/bytes.hpp"
#include "common/os/fd.hpp"

namespace walferry {

/// An open directory together with the path it is called by in messages.
struct Directory {
    Fd fd;
    std::string path;

    int get() const noexcept { return fd.get(); }
    std::string child(const std::string& name) const { return path + "/" + name; }
};

/// The one door to the operating system for files: thin, checked calls that repeat after EINTR, finish short
/// reads and writes, and throw io or no_space saying what could not be done to which file. `shown` is the
/// path for messages. O_CLOEXEC is always added.
namespace os {

Fd open_at(int directory, const std::string& name, int flags, mode_t mode, const std::string& shown);
/// The same, but an invalid Fd when there is no such file (ENOENT).
Fd open_if_exists(int directory, const std::string& name, int flags, const std::string& shown);
Directory open_directory(const std::string& path);

struct stat status(int fd, const std::string& shown);

/// Fills `out` from the offset; returns less than out.size() only at the end of the file.
std::size_t read_at(int fd, MutableBytes out, std::uint64_t offset, const std::string& shown);
void write_at(int fd, Bytes bytes, std::uint64_t offset, const std::string& shown);

void set_mode(int fd, mode_t mode, const std::string& shown);
void sync(int fd, const std::string& shown);
void sync(const Directory& directory);
/// Closed ones are opened on nothing of use. Otherwise a file could become descriptor 2, and a message would
/// end up in a segment or in the ledger. For the first lines of main.
void occupy_standard_descriptors() noexcept;
/// Removes a name; one that is gone already is fine.
void unlink_at(const Directory& directory, const std::string& name);

}  // namespace os

/// "a directory", "a FIFO", "a symbolic link" …: for messages.
const char* file_type_name(mode_t mode) noexcept;

}  // namespace walferry
