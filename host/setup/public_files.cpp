#include "host/setup/public_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "common/error.hpp"
#include "common/os/durable_file.hpp"
#include "common/os/os.hpp"

namespace walferry::setup {
namespace {

constexpr std::size_t max_size = 1 << 20;

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

void make_folder(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0) {
        if (errno == EEXIST) return;
        throw_errno(errno, "make " + path);
    }
    if (::chmod(path.c_str(), mode) != 0) throw_errno(errno, "set the mode of " + path);
}

void create_public_file(const std::string& path, const std::string& text) {
    const Directory directory = os::open_directory(folder_of(path));
    DurableFile file(directory, directory, path.substr(path.rfind('/') + 1), 0644);
    file.write(as_bytes(text));
    file.sync();
    if (file.publish() == PublishResult::name_taken)
        throw Error(ErrorKind::config, path + " exists already, and is never replaced");
}

void replace_public_file(const std::string& path, const std::string& text) {
    const Directory directory = os::open_directory(folder_of(path));
    DurableFile file(directory, directory, path.substr(path.rfind('/') + 1), 0644);
    file.write(as_bytes(text));
    file.sync();
    file.replace();
    os::sync(directory);
}

std::string read_public_file(const std::string& path, const std::string& what) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd)
        throw Error(ErrorKind::config, "cannot read the " + what + " " + path + ": " + std::strerror(errno));
    if (!S_ISREG(os::status(fd.get(), path).st_mode))
        throw Error(ErrorKind::config, "the " + what + " " + path + " is not a regular file");
    std::string text(max_size + 1, '\0');
    text.resize(os::read_at(fd.get(), std::as_writable_bytes(std::span(text)), 0, path));
    if (text.size() > max_size)
        throw Error(ErrorKind::config, "the " + what + " " + path + " is larger than 1 MiB");
    return text;
}

}  // namespace walferry::setup
