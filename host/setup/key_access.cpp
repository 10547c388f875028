#include "host/setup/key_access.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "common/error.hpp"
#include "common/os/os.hpp"

namespace walferry::setup {
namespace {

/// Opens what is there and belongs to root; whatever belongs to somebody else is that one's to give away.
Fd open_roots(const std::string& path, int flags, struct stat& status) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags));
    if (fd) status = os::status(fd.get(), path);
    return fd && status.st_uid == 0 ? std::move(fd) : Fd();
}

void give_group(int fd, const std::string& path, gid_t group, mode_t mode) {
    if (::fchown(fd, static_cast<uid_t>(-1), group) != 0 || ::fchmod(fd, mode) != 0)
        throw_errno(errno, "give the group " + std::to_string(group) + " the right to read " + path);
}

std::string key_folder(const std::string& configuration) {
    return configuration.substr(0, configuration.rfind('/')) + "/credentials";
}

gid_t number_of(const std::string& group) {
    const struct group* entry = ::getgrnam(group.c_str());
    if (entry == nullptr) throw Error(ErrorKind::internal, "the group " + group + " is gone");
    return entry->gr_gid;
}

std::string name_of(gid_t number) {
    const struct group* entry = ::getgrgid(number);
    return entry == nullptr ? std::to_string(number) : entry->gr_name;
}

}  // namespace

void refuse_keys_of_others(const std::string& configuration, const std::string& group) {
    const std::string folder = key_folder(configuration);
    struct stat status {};
    if (!open_roots(folder, O_DIRECTORY, status)) return;
    if (status.st_gid == 0 || status.st_gid == number_of(group)) return;
    throw Error(ErrorKind::config,
                folder + " belongs to the group " + name_of(status.st_gid) + ", and not to " + group,
                "a configuration for another uploader goes into a folder of its own: --config; or, where "
                "no other user needs these keys: chgrp -R " +
                    group + " " + folder);
}

std::vector<std::string> let_group_read_keys(const Settings& settings, const std::string& group) {
    refuse_keys_of_others(settings.file, group);
    std::vector<std::string> changes;
    const gid_t gid = number_of(group);
    const std::string folder = key_folder(settings.file);
    struct stat status {};
    const auto give = [&](int fd, const std::string& path, mode_t mode) {
        if (status.st_gid == gid && (status.st_mode & 07777) == mode) return;
        give_group(fd, path, gid, mode);
        changes.push_back("the group " + group + " can read " + path);
    };
    const Fd open_folder = open_roots(folder, O_DIRECTORY, status);
    if (!open_folder) return changes;
    give(open_folder.get(), folder, 0750);
    std::set<std::string> files{settings.signing_key_file};
    for (const StoreSettings& store : settings.stores) files.insert(store.credentials_file);
    for (const std::string& file : files) {
        if (!file.starts_with(folder + "/")) continue;
        const Fd fd = open_roots(file, 0, status);
        if (fd && S_ISREG(status.st_mode)) give(fd.get(), file, 0640);
    }
    return changes;
}

}  // namespace walferry::setup
