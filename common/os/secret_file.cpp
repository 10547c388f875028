#include "common/os/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.hpp"
#include "common/os/durable_file.hpp"
#include "common/os/os.hpp"

namespace walferry {
namespace {

constexpr std::size_t max_size = 64 * 1024;

[[noreturn]] void refuse(std::string_view what, const std::string& path, const std::string& why,
                         std::string hint) {
    throw Error(ErrorKind::config, "cannot use the " + std::string(what) + " " + path + ": " + why,
                std::move(hint));
}

Fd open_secret(const std::string& path, std::string_view what) {
    for (;;) {
        // Without O_NONBLOCK a FIFO under that name would hang us before it could be refused.
        Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
        if (fd) return fd;
        const int err = errno;
        if (err == EINTR) continue;
        refuse(what, path, std::strerror(err),
               err == EACCES ? "run as the user it belongs to, or give that user's group the right to read it"
               : err == ENOENT ? "make it, or correct its name in the configuration"
                               : "");
    }
}

std::string owners_that_will_do(std::optional<uid_t> lender) {
    std::string who = "root";
    if (lender) who += " or to user id " + std::to_string(*lender);
    if (::geteuid() != 0) who += " or to user id " + std::to_string(::geteuid());
    return lender ? who : who + ", who asks for it";
}

void check_guarded(int fd, const std::string& path, std::string_view what, std::optional<uid_t> lender) {
    const struct stat status = os::status(fd, path);
    if (!S_ISREG(status.st_mode)) refuse(what, path, "it is not a regular file", "");
    if ((status.st_mode & S_IRWXO) != 0) {
        refuse(what, path, "everyone on this host may use it",
               "take that right away from others (chmod o=), and consider the secret known");
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid() && status.st_uid != lender) {
        refuse(what, path, "it belongs to user id " + std::to_string(status.st_uid),
               "it must belong to " + owners_that_will_do(lender));
    }
    if (static_cast<std::size_t>(status.st_size) > max_size)
        refuse(what, path, "it is larger than 64 KiB", "");
}

}  // namespace

SecretText::SecretText(std::size_t capacity)
    : data_(std::make_unique<char[]>(capacity)), capacity_(capacity) {}

SecretText::SecretText(SecretText&& other) noexcept
    : data_(std::move(other.data_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
    if (this != &other) {
        wipe();
        data_ = std::move(other.data_);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
}

SecretText::~SecretText() {
    wipe();
}

void SecretText::wipe() noexcept {
    if (data_) ::explicit_bzero(data_.get(), capacity_);
}

void SecretText::resize(std::size_t size) {
    if (size > capacity_) throw Error(ErrorKind::internal, "a secret is longer than its buffer");
    size_ = size;
}

void SecretText::append(std::string_view text) {
    if (text.size() > capacity_ - size_)
        throw Error(ErrorKind::internal, "a secret is longer than its buffer");
    if (!text.empty()) std::memcpy(data_.get() + size_, text.data(), text.size());
    size_ += text.size();
}

SecretText read_secret_file(const std::string& path, std::string_view what, std::optional<uid_t> lender) {
    const Fd fd = open_secret(path, what);
    check_guarded(fd.get(), path, what, lender);

    SecretText text(max_size + 1);
    text.resize(os::read_at(fd.get(), text.buffer(), 0, path));
    if (text.view().size() > max_size) refuse(what, path, "it is larger than 64 KiB", "");
    return text;
}

void create_secret_file(const std::string& path, std::string_view what, const SecretText& text) {
    const std::size_t slash = path.rfind('/');
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    if (name.empty()) {
        throw Error(ErrorKind::config,
                    "cannot make the " + std::string(what) + " " + path + ": that is a directory");
    }

    const Directory directory = os::open_directory(parent);
    DurableFile file(directory, directory, name, S_IRUSR | S_IWUSR);
    file.write(as_bytes(text.view()));
    file.sync();
    if (file.publish() == PublishResult::name_taken) {
        throw Error(ErrorKind::config,
                    path + " exists already, and no " + std::string(what) + " is ever replaced",
                    "name another file, or move that one away if nothing needs it any more");
    }
}

}  // namespace walferry
