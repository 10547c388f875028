#include "uploader/import/trusted_path.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <filesystem>

#include "common/error.hpp"
#include "uploader/import/legacy_directory.hpp"

namespace walferry::importing {
namespace {

namespace fs = std::filesystem;

// As the kernel's own limit.
constexpr int most_links = 40;

struct stat look_at(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) throw_errno(errno, "look at " + path.string());
    return status;
}

/// Why the entry could be replaced by another one.
std::optional<std::string> replaceable(const fs::path& folder, const fs::path& entry,
                                       const struct stat& status, uid_t owner) {
    const struct stat above = look_at(folder);
    if (const auto reason = foreign_hand(above, owner)) {
        const bool keeps = (above.st_mode & S_ISVTX) != 0 && (above.st_uid == owner || above.st_uid == 0);
        if (!keeps) return folder.string() + " " + *reason;
        if (status.st_uid != owner && status.st_uid != 0)
            return entry.string() + " belongs to the user with the id " + std::to_string(status.st_uid);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> changeable_by_others(const std::string& path, uid_t owner) {
    const fs::path start = fs::absolute(path);
    std::deque<fs::path> left(start.begin(), start.end());
    fs::path at = "/";
    for (int links = 0; !left.empty();) {
        const fs::path name = left.front();
        left.pop_front();
        if (name.empty() || name == "." || name == "/") continue;
        if (name == "..") {
            at = at.parent_path();
            continue;
        }
        const fs::path entry = at / name;
        const struct stat status = look_at(entry);
        if (auto reason = replaceable(at, entry, status, owner)) return reason;
        if (!S_ISLNK(status.st_mode)) {
            at = entry;
            continue;
        }
        if (++links > most_links) throw_errno(ELOOP, "find " + path);
        const fs::path target = fs::read_symlink(entry);
        if (target.is_absolute()) at = "/";
        left.insert(left.begin(), target.begin(), target.end());
    }
    return std::nullopt;
}

}  // namespace walferry::importing
