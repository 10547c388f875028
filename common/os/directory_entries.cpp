#include "common/os/directory_entries.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "common/error.hpp"

namespace walferry {
namespace {

struct CloseDir {
    void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

}  // namespace

std::vector<std::string> entries_of(const Directory& directory, DotNames dot_names) {
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
        const std::string_view name = entry->d_name;
        const bool hidden = name.starts_with('.');
        if (!hidden || (dot_names == DotNames::included && name != "." && name != ".."))
            names.emplace_back(name);
    }
    if (errno != 0) throw_errno(errno, "read the directory " + directory.path);
    return names;
}

}  // namespace walferry
