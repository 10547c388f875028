#include "common/spool/segment_source.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/error.hpp"
#include "common/os/os.hpp"

namespace walferry {
namespace {

[[noreturn]] void not_regular(const std::string& path, mode_t mode) {
    throw Error(ErrorKind::io, path + " is " + file_type_name(mode) + ", not a regular file",
                "nothing was archived; find out what put it there");
}

Fd open_regular(const std::string& path, const std::string& hint_if_missing) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    const int failed = errno;
    struct stat found {};
    if (!fd) {
        if (::lstat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) not_regular(path, found.st_mode);
        throw_errno(failed, "open " + path, failed == ENOENT ? hint_if_missing : "");
    }
    found = os::status(fd.get(), path);
    if (!S_ISREG(found.st_mode)) not_regular(path, found.st_mode);
    return fd;
}

}  // namespace

SegmentSource::SegmentSource(std::string path, WalName name, const std::string& hint_if_missing)
    : path_(std::move(path)),
      name_(std::move(name)),
      fd_(open_regular(path_, hint_if_missing)),
      opened_(os::status(fd_.get(), path_)) {}

std::optional<WalHeader> SegmentSource::header() const {
    if (!name_.has_header()) return std::nullopt;
    std::array<std::byte, WalHeader::bytes> begin{};
    const std::size_t got = os::read_at(fd(), begin, 0, path_);
    auto header = WalHeader::parse(Bytes(begin).first(got));
    if (header) return header;
    throw Error(ErrorKind::refused,
                path_ + " is not a WAL segment: it has only " + std::to_string(size()) + " bytes",
                "it was cut short, and recovery cannot pass it: take a new base backup once archiving works");
}

std::optional<std::string> SegmentSource::check_header(std::uint64_t system_identifier) const {
    const auto found = header();
    if (!found && size() > max_headerless_size) {
        throw Error(ErrorKind::refused,
                    path_ + " is not what its name says: it has " + std::to_string(size()) +
                        " bytes, and such a file a few hundred",
                    "do not force it into the archive; find out who wrote it");
    }
    if (!found) return std::nullopt;
    if (const auto what = disagreement(*found, name_, size(), system_identifier)) {
        throw Error(ErrorKind::refused, path_ + " is not what its name says: " + *what,
                    "do not force it into the archive; find out who wrote it");
    }
    if (pg_version(found->magic)) return std::nullopt;
    std::array<char, 8> magic{};
    std::snprintf(magic.data(), magic.size(), "%04X", static_cast<unsigned>(found->magic));
    return "warning: " + path_ + " has the unknown page magic " + magic.data() +
           ", so it comes from a PostgreSQL newer than this program; it is archived all the same; hint: "
           "upgrade walferry";
}

void SegmentSource::check_unchanged() const {
    const struct stat now = os::status(fd(), path_);
    const auto same = [](const timespec& a, const timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    if (now.st_size == opened_.st_size && same(now.st_mtim, opened_.st_mtim) &&
        same(now.st_ctim, opened_.st_ctim)) {
        return;
    }
    throw Error(ErrorKind::io, path_ + " changed while it was read",
                "nothing was archived; if this comes again, find out who writes to it");
}

}  // namespace walferry
