#include "common/spool/room.hpp"

#include <dirent.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

constexpr std::size_t segment_name_length = 24;

/// Calls visit(name) for each entry that is not "." or "..", until it returns false.
template <typename Visit>
void each_entry(const Directory& directory, Visit visit) {
    Fd own(os::open_at(directory.get(), ".", O_RDONLY | O_DIRECTORY, 0, directory.path));
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(own.get()), &::closedir);
    if (!entries) throw_errno(errno, "read the directory " + directory.path);
    (void)own.release();
    errno = 0;
    while (const dirent* entry = ::readdir(entries.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != ".." && !visit(entry->d_name)) return;
        errno = 0;
    }
    if (errno != 0) throw_errno(errno, "read the directory " + directory.path);
}

/// Nothing for a file that a drain has just removed.
std::uint64_t size_of(const Directory& directory, const char* name) {
    struct stat found {};
    if (::fstatat(directory.get(), name, &found, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return S_ISREG(found.st_mode) ? static_cast<std::uint64_t>(found.st_size) : 0;
}

/// By its length alone: there may be a hundred thousand names to look at.
bool looks_like_segment(std::string_view name) {
    constexpr std::string_view partial = ".partial";
    return name.size() == segment_name_length ||
           (name.size() == segment_name_length + partial.size() && name.ends_with(partial));
}

/// Counting names is much cheaper than asking for each file's size, and a cluster's segments have all one
/// size.
std::uint64_t estimate(const Directory& cluster) {
    std::uint64_t segments = 0;
    std::uint64_t segment_size = 0;
    std::uint64_t others = 0;
    each_entry(cluster, [&](const char* name) {
        if (!looks_like_segment(name)) {
            others += size_of(cluster, name);
        } else if (++segments == 1) {
            segment_size = size_of(cluster, name);
        }
        return true;
    });
    return segments * segment_size + others;
}

std::uint64_t exact(const Directory& cluster, std::uint64_t enough) {
    std::uint64_t sum = 0;
    each_entry(cluster, [&](const char* name) {
        sum += size_of(cluster, name);
        return sum <= enough;
    });
    return sum;
}

template <typename Measure>
std::uint64_t over_clusters(const Directory& ready, Measure measure) {
    std::uint64_t sum = 0;
    each_entry(ready, [&](const char* name) {
        Fd fd(::openat(ready.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (fd) sum += measure(Directory{std::move(fd), ready.child(name)});
        return true;
    });
    return sum;
}

void check_max_spool(const Directory& ready, std::uint64_t incoming, std::uint64_t limit,
                     const std::string& what_now) {
    const std::uint64_t room = limit >= incoming ? limit - incoming : 0;
    if (limit >= incoming && over_clusters(ready, estimate) <= room) return;
    const std::uint64_t used =
        over_clusters(ready, [&](const Directory& cluster) { return exact(cluster, limit); });
    if (limit >= incoming && used <= room) return;
    throw Error(ErrorKind::no_space,
                "the spool is full: " + format_bytes(used) + " wait in " + ready.path + ", " +
                    format_bytes(incoming) + " more would pass --max-spool " + format_bytes(limit),
                what_now);
}

void check_min_free(const Directory& ready, std::uint64_t incoming, std::uint64_t limit,
                    const std::string& what_now) {
    struct statvfs found {};
    if (::fstatvfs(ready.get(), &found) != 0) throw_errno(errno, "ask for the free space of " + ready.path);
    const std::uint64_t free = std::uint64_t{found.f_bavail} * found.f_frsize;
    if (free >= incoming && free - incoming >= limit) return;
    throw Error(ErrorKind::no_space,
                "the disk is too full: " + format_bytes(free) + " are free at " + ready.path + ", " +
                    format_bytes(incoming) + " more would leave less than --min-free " + format_bytes(limit),
                what_now);
}

}  // namespace

void check_room(const Directory& ready, std::uint64_t incoming, const RoomLimits& limits) {
    if (limits.min_free) check_min_free(ready, incoming, *limits.min_free, limits.what_now);
    if (limits.max_spool) check_max_spool(ready, incoming, *limits.max_spool, limits.what_now);
}

}  // namespace walferry
