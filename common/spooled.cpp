#include "common/spooled.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/error.hpp"
#include "common/fingerprint.hpp"

namespace walferry {
namespace {

constexpr std::size_t chunk = std::size_t{128} * 1024;

Fd open_spooled(const Directory& cluster, const std::string& name, const std::string& shown) {
    struct stat found {};
    if (::fstatat(cluster.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return Fd();
        throw_errno(errno, "look at " + shown);
    }
    Fd fd;
    if (S_ISREG(found.st_mode)) {
        fd = os::open_if_exists(cluster.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, shown);
        if (fd) found = os::status(fd.get(), shown);
    }
    if (!S_ISREG(found.st_mode)) {
        throw Error(ErrorKind::conflict, shown + " is " + file_type_name(found.st_mode) + ", not a segment",
                    "somebody who may write to the spool put it there: move it away");
    }
    return fd;
}

/// The common fingerprint; nullopt when the contents differ.
std::optional<std::string> compare(const SegmentSource& source, int spooled, const std::string& shown) {
    const auto ours = std::make_unique_for_overwrite<std::byte[]>(chunk);
    const auto theirs = std::make_unique_for_overwrite<std::byte[]>(chunk);
    Fingerprint fingerprint;
    for (std::uint64_t at = 0;; at += chunk) {
        const std::size_t got = os::read_at(source.fd(), {ours.get(), chunk}, at, source.path());
        const std::size_t there = os::read_at(spooled, {theirs.get(), chunk}, at, shown);
        if (got != there || std::memcmp(ours.get(), theirs.get(), got) != 0) return std::nullopt;
        fingerprint.update({ours.get(), got});
        if (got < chunk) return fingerprint.digits();
    }
}

}  // namespace

std::optional<std::string> match_spooled(const SegmentSource& source, const Directory& cluster) {
    const std::string shown = cluster.child(source.name().text);
    const Fd spooled = open_spooled(cluster, source.name().text, shown);
    if (!spooled) return std::nullopt;
    auto fingerprint = compare(source, spooled.get(), shown);
    source.check_unchanged();
    if (!fingerprint) {
        throw Error(ErrorKind::conflict,
                    source.path() + " was not archived: " + shown + " has the same name and other content",
                    "do two servers archive into one spool? Neither file was changed; compare them with "
                    "pg_waldump before you move one away");
    }
    // An earlier push may have been killed between linking it and syncing the directory, or it may be a copy
    // that somebody else made.
    os::sync(spooled.get(), shown);
    os::sync(cluster);
    return fingerprint;
}

}  // namespace walferry
