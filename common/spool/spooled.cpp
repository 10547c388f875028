#include "common/spool/spooled.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "common/error.hpp"
#include "common/wal/fingerprint.hpp"

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
                    "a user who may write to the spool put it there: move it away");
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

SpoolMatch match_spooled(const SegmentSource& source, const Directory& cluster, const std::string& entry) {
    const std::string shown = cluster.child(entry);
    const Fd spooled = open_spooled(cluster, entry, shown);
    if (!spooled) return {};
    auto fingerprint = compare(source, spooled.get(), shown);
    source.check_unchanged();
    if (!fingerprint) return {SpoolMatch::Kind::other, {}};
    // An earlier push may have been killed between linking it and syncing the directory, or it may be a copy
    // that another process made.
    os::sync(spooled.get(), shown);
    os::sync(cluster);
    return {SpoolMatch::Kind::same, *std::move(fingerprint)};
}

std::string fingerprint_of(const SegmentSource& source) {
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(chunk);
    Fingerprint fingerprint;
    for (std::uint64_t at = 0;; at += chunk) {
        const std::size_t got = os::read_at(source.fd(), {buffer.get(), chunk}, at, source.path());
        fingerprint.update({buffer.get(), got});
        if (got < chunk) break;
    }
    source.check_unchanged();
    return fingerprint.digits();
}

}  // namespace walferry
