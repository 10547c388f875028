#include "archive-push/source.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "common/error.hpp"
#include "common/os.hpp"
#include "common/pg_control.hpp"
#include "common/wal_header.hpp"

namespace walferry::push {
namespace {

WalName name_from(const std::string& path) {
    const std::string base = path.substr(path.find_last_of('/') + 1);
    auto name = WalName::parse(base);
    if (!name) {
        throw Error(ErrorKind::usage, "\"" + path + "\" is not the path of a WAL file",
                    "PostgreSQL gives it as %p: archive_command = 'walferry-archive-push %p'");
    }
    return *std::move(name);
}

[[noreturn]] void not_regular(const std::string& path, mode_t mode) {
    throw Error(ErrorKind::io, path + " is " + file_type_name(mode) + ", not a regular file",
                "nothing was archived; find out what put it there");
}

Fd open_regular(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    const int failed = errno;
    struct stat found {};
    if (!fd) {
        if (::lstat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) not_regular(path, found.st_mode);
        throw_errno(failed, "open " + path,
                    failed == ENOENT
                        ? "was it removed by hand? PostgreSQL needs every segment in pg_wal until "
                          "it is archived"
                        : "");
    }
    found = os::status(fd.get(), path);
    if (!S_ISREG(found.st_mode)) not_regular(path, found.st_mode);
    return fd;
}

}  // namespace

Source::Source(const std::string& path)
    : path_(path), name_(name_from(path)), fd_(open_regular(path)), opened_(os::status(fd_.get(), path)) {}

std::optional<std::string> Source::check_header(std::uint64_t system_identifier) const {
    if (!name_.has_header()) return std::nullopt;
    std::array<std::byte, WalHeader::bytes> begin{};
    const std::size_t got = os::read_at(fd(), begin, 0, path_);
    const auto header = WalHeader::parse(Bytes(begin).first(got));
    if (!header) {
        throw Error(ErrorKind::refused,
                    path_ + " is not a WAL segment: it has only " + std::to_string(size()) + " bytes",
                    "it was truncated; do not archive it, take a new base backup once archiving works");
    }
    if (const auto what = disagreement(*header, name_, size(), system_identifier)) {
        throw Error(ErrorKind::refused, path_ + " is not what its name says: " + *what,
                    "do not force it into the archive; find out who wrote it");
    }
    if (pg_version(header->magic)) return std::nullopt;
    std::array<char, 8> magic{};
    std::snprintf(magic.data(), magic.size(), "%04X", static_cast<unsigned>(header->magic));
    return "warning: " + path_ + " has the unknown page magic " + magic.data() +
           ", so it comes from a PostgreSQL newer than this program; it is archived all the same; hint: "
           "upgrade "
           "walferry";
}

void Source::check_unchanged() const {
    const struct stat now = os::status(fd(), path_);
    const auto same = [](const timespec& a, const timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    if (now.st_size == opened_.st_size && same(now.st_mtim, opened_.st_mtim) &&
        same(now.st_ctim, opened_.st_ctim)) {
        return;
    }
    throw Error(ErrorKind::io, path_ + " changed while it was read",
                "PostgreSQL will retry; if this comes again, find out who writes to it");
}

std::uint64_t system_identifier_of(const Source& source, std::optional<std::uint64_t> option) {
    const auto found = find_system_identifier(source.path());
    if (found && option && *found != *option) {
        throw Error(ErrorKind::refused,
                    "--system-identifier says " + std::to_string(*option) + ", but the control file of " +
                        source.path() + " says " + std::to_string(*found),
                    "leave the option out: it is needed only where global/pg_control cannot be found");
    }
    if (found) return *found;
    if (option) return *option;
    throw Error(ErrorKind::usage,
                "cannot tell which cluster " + source.path() +
                    " belongs to: no readable global/pg_control in the working directory, nor at " +
                    control_file_beside(source.path()),
                "give --system-identifier N, the number that pg_controldata prints");
}

}  // namespace walferry::push
