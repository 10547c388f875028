#include "uploader/directory_entries.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>

#include "common/error.hpp"

namespace walferry {
namespace {

struct CloseDir {
    void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

}  // namespace

std::vector<std::string> entries_of(const Directory& directory) {
    // A descriptor of its own: reading a directory moves its offset.
    Fd own = os::open_at(directory.get(), ".", O_RDONLY | O_DIRECTORY, 0, directory.path);
    const std::unique_ptr<DIR, CloseDir> entries(::fdopendir(own.get()));
    if (!entries) throw_errno(errno, "read the directory " + directory.path);
    (void)own.release();
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(entries.get());
        if (entry == nullptr) break;
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    if (errno != 0) throw_errno(errno, "read the directory " + directory.path);
    return names;
}

}  // namespace walferry
