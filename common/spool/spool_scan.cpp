#include "common/spool/spool_scan.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/os/os.hpp"
#include "common/spool/spooled_name.hpp"

namespace walferry {
namespace {

// More of somebody's junk than this is counted, so that what matters can still be seen.
constexpr std::size_t strangers_named = 20;

std::optional<std::uint64_t> system_identifier(const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value == 0 || std::to_string(value) != text) return std::nullopt;
    return value;
}

WallTime modified(const struct stat& status) {
    return WallTime(
        std::chrono::milliseconds(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000));
}

bool same_file(const struct stat& status, const SpoolFile& file) {
    return S_ISREG(status.st_mode) && status.st_dev == file.device && status.st_ino == file.inode &&
           static_cast<std::uint64_t>(status.st_size) == file.size && modified(status) == file.modified;
}

// nullopt: gone in the meantime.
std::optional<struct stat> look(int directory, const std::string& name, const std::string& shown) {
    struct stat status {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
    if (errno == ENOENT) return std::nullopt;
    throw_errno(errno, "look at " + shown);
}

void scan_entry(const Directory& cluster, std::uint64_t sysid, const std::string& text, SpoolScan& scan) {
    const auto status = look(cluster.get(), text, cluster.child(text));
    if (!status) return;
    auto spooled = SpooledName::parse(text);
    std::string reason;
    if (!spooled) {
        if (scan.strangers++ >= strangers_named) return;
        reason = "is not a WAL file's name";
    } else if (!S_ISREG(status->st_mode)) {
        reason = std::string("is ") + file_type_name(status->st_mode) + ", not a regular file";
    } else if (status->st_nlink != 1) {
        reason = "has " + std::to_string(status->st_nlink) + " links, not one";
    }
    if (reason.empty()) {
        scan.files.push_back({sysid, std::move(spooled->name), static_cast<std::uint64_t>(status->st_size),
                              modified(*status), status->st_dev, status->st_ino,
                              std::move(spooled->fingerprint)});
    } else {
        scan.problems.push_back(cluster.child(text) + " " + reason + "; left alone");
    }
}

Directory open_cluster(int ready, const std::string& entry, const std::string& shown) {
    return {os::open_at(ready, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, shown), shown};
}

void scan_cluster(const Directory& ready, const std::string& entry, std::uint64_t sysid, SpoolScan& scan) {
    const Directory cluster = open_cluster(ready.get(), entry, ready.child(entry));
    for (const std::string& text : entries_of(cluster)) scan_entry(cluster, sysid, text, scan);
}

}  // namespace

SpoolScan scan_spool(const SpoolPaths& spool) {
    const Directory ready{Fd(::open(spool.ready().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                          spool.ready()};
    if (!ready.fd) {
        const int err = errno;
        throw Error(
            err == ENOENT || err == ENOTDIR ? ErrorKind::no_spool : ErrorKind::io,
            "cannot open " + ready.path + ": " + std::strerror(err),
            err == EACCES ? "run this as a member of the spool's group" : "`walferry init` makes a spool");
    }
    SpoolScan scan;
    for (const std::string& entry : entries_of(ready)) {
        const auto sysid = system_identifier(entry);
        const auto status = look(ready.get(), entry, ready.child(entry));
        if (!status) continue;
        if (!sysid || !S_ISDIR(status->st_mode)) {
            scan.problems.push_back(ready.child(entry) +
                                    " is not a system identifier's directory; left alone");
            continue;
        }
        try {
            scan_cluster(ready, entry, *sysid, scan);
        } catch (const Error& error) {
            scan.problems.push_back(error.what());
        }
    }
    if (scan.strangers > strangers_named) {
        scan.problems.push_back(std::to_string(scan.strangers - strangers_named) + " more files below " +
                                ready.path + " do not have a WAL file's name; left alone");
    }
    return scan;
}

void scan_spool_file(const SpoolPaths& spool, std::uint64_t system_identifier, const std::string& entry,
                     SpoolScan& scan) {
    if (entry.empty() || entry.front() == '.') return;
    scan_entry(open_cluster(AT_FDCWD, spool.ready(system_identifier), spool.ready(system_identifier)),
               system_identifier, entry, scan);
}

Fd open_spool_file(const SpoolPaths& spool, const SpoolFile& file) {
    const std::string path = spool.segment(file.system_identifier, file.entry());
    Fd fd = os::open_if_exists(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, path);
    if (fd && !same_file(os::status(fd.get(), path), file)) {
        throw Error(ErrorKind::integrity, path + " is not the file that was there a moment ago",
                    "nothing was deleted; find out who writes to the spool beside walferry-archive-push");
    }
    return fd;
}

bool remove_spool_file(const SpoolPaths& spool, const SpoolFile& file) {
    const Directory directory = os::open_directory(spool.ready(file.system_identifier));
    const std::string entry = file.entry();
    const std::string shown = directory.child(entry);
    const auto status = look(directory.get(), entry, shown);
    if (!status) return false;
    if (!same_file(*status, file)) {
        throw Error(ErrorKind::integrity, shown + " is not the file that was uploaded; it was not deleted",
                    "find out who writes to the spool beside walferry-archive-push");
    }
    os::unlink_at(directory, entry);
    return true;
}

}  // namespace walferry
