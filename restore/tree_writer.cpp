#include "restore/tree_writer.hpp"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/error.hpp"
#include "common/os/directory_entries.hpp"

namespace walferry::restore {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

std::string last_part(const std::string& path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

void make_one(int parent, const std::string& name, unsigned mode, const std::string& shown) {
    if (::mkdirat(parent, name.c_str(), 0700) != 0) {
        if (errno == EEXIST) return;
        throw_errno(errno, "make the directory " + shown);
    }
    const Fd made = os::open_at(parent, name, directory_flags, 0, shown);
    os::set_mode(made.get(), mode, shown);
}

void sync_entries(const Directory& directory) {
    for (const std::string& name : entries_of(directory, DotNames::included)) {
        const std::string here = directory.child(name);
        struct stat status {};
        if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            throw_errno(errno, "look at " + here);
        if (S_ISREG(status.st_mode))
            os::sync(os::open_at(directory.get(), name, O_RDONLY | O_NOFOLLOW, 0, here).get(), here);
        if (S_ISDIR(status.st_mode))
            sync_entries({os::open_at(directory.get(), name, directory_flags, 0, here), here});
    }
    os::sync(directory);
}

/// Before Linux 5.8 it says that all is well when write-back has failed.
bool syncfs_reports_errors() {
    utsname system{};
    int major = 0;
    int minor = 0;
    return ::uname(&system) == 0 && std::sscanf(system.release, "%d.%d", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 8));
}

}  // namespace

int TreeWriter::parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return root_.get();
    const std::string wanted = path.substr(0, slash);
    if (parent_ && wanted == parent_path_) return parent_.get();
    Fd at;
    for (std::size_t begin = 0; begin < wanted.size();) {
        const std::size_t end = std::min(wanted.find('/', begin), wanted.size());
        const std::string name = wanted.substr(begin, end - begin);
        const int parent = at ? at.get() : root_.get();
        const std::string here = shown(wanted.substr(0, end));
        Fd next = os::open_if_exists(parent, name, directory_flags, here);
        if (!next) {
            make_one(parent, name, 0700, here);
            next = os::open_at(parent, name, directory_flags, 0, here);
        }
        at = std::move(next);
        begin = end + 1;
    }
    parent_ = std::move(at);
    parent_path_ = wanted;
    return parent_.get();
}

void TreeWriter::make_directory(const std::string& path, unsigned mode) {
    make_one(parent_of(path), last_part(path), mode, shown(path));
}

Fd TreeWriter::create_file(const std::string& path, unsigned mode) {
    const int parent = parent_of(path);
    const Fd taken = os::open_if_exists(parent, last_part(path), O_PATH | O_NOFOLLOW, shown(path));
    if (taken) throw Error(ErrorKind::integrity, shown(path) + " exists already: the backup holds it twice");
    Fd fd = os::open_at(parent, last_part(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, shown(path));
    os::set_mode(fd.get(), mode, shown(path));
    return fd;
}

void TreeWriter::write_file(const std::string& path, unsigned mode, Bytes content) {
    const Fd fd = create_file(path, mode);
    os::write_at(fd.get(), content, 0, shown(path));
}

void TreeWriter::make_link(const std::string& path, const std::string& target) {
    if (::symlinkat(target.c_str(), parent_of(path), last_part(path).c_str()) != 0)
        throw_errno(errno, "make the link " + shown(path));
}

void sync_tree(const Directory& early) {
    // All at once: one by one, each file would wait for the disk by itself.
    if (::syncfs(early.get()) != 0) throw_errno(errno, "bring " + early.path + " to stable storage");
    if (syncfs_reports_errors())
        os::sync(early);
    else
        sync_entries(early);
}

}  // namespace walferry::restore
