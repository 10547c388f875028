#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/shell_word.hpp"
#include "common/spool_paths.hpp"
#include "console/catalogue.hpp"
#include "host/check/look.hpp"
#include "server/archive_command.hpp"

namespace walferry::check {
namespace {

struct Unreadable {
    std::size_t count = 0;
    std::size_t files = 0;
    std::string first, why;
};

/// Opens each regular file of a directory and reads nothing.
void try_reading(const Directory& directory, Unreadable& found) {
    for (const std::string& name : entries_of(directory)) {
        struct stat status {};
        if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        ++found.files;
        const Fd file(
            ::openat(directory.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (file || errno == ENOENT) continue;
        if (found.count++ > 0) continue;
        found.first = directory.child(name);
        found.why = std::strerror(errno);
    }
}

/// Why files cannot be removed from it, by what the kernel says; empty where they can.
std::string why_not_removable(const Directory& directory, uid_t uploader) {
    if (::faccessat(directory.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) return std::strerror(errno);
    const struct stat status = os::status(directory.get(), directory.path);
    if ((status.st_mode & S_ISVTX) != 0 && status.st_uid != uploader && uploader != 0)
        return "its sticky bit leaves that to each file's owner";
    int flags = 0;
    if (::ioctl(directory.get(), FS_IOC_GETFLAGS, &flags) == 0 &&
        (flags & (FS_APPEND_FL | FS_IMMUTABLE_FL)) != 0)
        return "it has the attribute a or i (lsattr -d)";
    return {};
}

void report_unreadable(const Unreadable& found, const std::string& user, console::Findings& findings) {
    if (found.count > 0) {
        findings.fail(console::finding_id::unreadable_files,
                      user + " cannot read " + counted(found.count, "file", "files") +
                          " in the spool, such as " + found.first + ": " + found.why);
    } else {
        findings.pass(console::finding_id::unreadable_files,
                      user + " can read every file in the spool (" + std::to_string(found.files) + ")");
    }
}

void try_spool(const SpoolPaths& spool, const server::ServerUser& user, console::Findings& findings) {
    Unreadable unreadable;
    std::string undeletable;
    try {
        const Directory ready = os::open_directory(spool.ready());
        undeletable = why_not_removable(ready, user.uid);
        if (!undeletable.empty()) undeletable = ready.path + ": " + undeletable;
        for (const std::string& name : entries_of(ready)) {
            struct stat status {};
            if (::fstatat(ready.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
                !S_ISDIR(status.st_mode))
                continue;
            const Directory cluster{
                os::open_at(ready.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, ready.child(name)),
                ready.child(name)};
            try_reading(cluster, unreadable);
            const std::string why = why_not_removable(cluster, user.uid);
            if (!why.empty()) undeletable = cluster.path + ": " + why;
        }
    } catch (const Error& error) {
        findings.fail(console::finding_id::unreadable_files, user.name + ": " + error.message());
        return;
    }
    report_unreadable(unreadable, user.name, findings);
    if (undeletable.empty()) {
        findings.pass(console::finding_id::undeletable_files, user.name + " can remove files from the spool");
    } else {
        findings.fail(console::finding_id::undeletable_files,
                      user.name + " cannot remove files from " + undeletable);
    }
}

/// The directory of an archive_command that copies.
void look_at_legacy(const CheckContext& context, const server::ServerUser& user,
                    console::Findings& findings) {
    if (!context.server) return;
    const server::ArchiveCommand command = server::parse_archive_command(context.server->archive_command);
    if (command.kind != server::ArchiveCommand::Kind::copies || command.directory.empty()) return;
    std::string found = "segments go to " + command.directory + ", which is none of walferry's";
    try {
        Unreadable unreadable;
        const Directory directory = os::open_directory(command.directory);
        try_reading(directory, unreadable);
        found += " and holds " + counted(unreadable.files, "file", "files");
        if (unreadable.count > 0)
            found += "; " + user.name + " cannot read " + std::to_string(unreadable.count) +
                     " of them, such as " + unreadable.first + ": " + unreadable.why;
        const std::string why = why_not_removable(directory, user.uid);
        if (!why.empty()) found += "; nor remove any: " + why;
    } catch (const Error& error) {
        found += "; " + user.name + ": " + error.message();
    }
    findings.fail(console::finding_id::legacy_directory, found,
                  "set archive_command to walferry-archive-push first; then, as root: `{walferry} import " +
                      shell_word(command.directory) + "`");
}

/// Who else than root can change the file or put another in its place; empty for nobody.
std::string who_can_change(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    if ((status.st_mode & 0002) != 0) return "every user of this host can change " + path;
    if ((status.st_mode & 0020) != 0 && status.st_gid != 0)
        return "its group, number " + std::to_string(status.st_gid) + ", can change " + path;
    return {};
}

/// What root reads should be root's: root makes a spool, and gives files away, by what it says.
void judge_writers(const std::string& file, console::Findings& findings) {
    const std::string folder = file.substr(0, std::max<std::size_t>(file.rfind('/'), 1));
    for (const std::string& path : {file, folder}) {
        if (const std::string who = who_can_change(path); !who.empty()) {
            findings.fail(console::finding_id::configuration_access, who,
                          "`chmod go-w " + shell_word(path) + "`");
            return;
        }
    }
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0 && status.st_uid != 0) {
        findings.warn(console::finding_id::configuration_access,
                      file + " belongs to the user with number " + std::to_string(status.st_uid) +
                          ", who can change it",
                      "`chown root " + shell_word(file) + "`");
    }
}

void try_configuration(const CheckContext& context, const server::ServerUser& user,
                       console::Findings& findings) {
    const std::string& file = context.settings.file;
    if (::access(file.c_str(), R_OK) != 0) {
        const std::string why = std::strerror(errno);
        findings.fail(console::finding_id::configuration_access,
                      user.name + " cannot read " + file + ": " + why,
                      "`chown root:{group} " + shell_word(file) + "; chmod 640 " + shell_word(file) + "`");
    } else {
        findings.pass(console::finding_id::configuration_access, user.name + " can read " + file);
    }
    // Somebody who set up walferry without root has it all to themselves.
    if (context.users.root) judge_writers(file, findings);
}

}  // namespace

void look_at_uploader_access(const CheckContext& context, console::Findings& findings, Facts&) {
    if (!context.users.uploader) {
        findings.skip(
            console::finding_id::uploader_user,
            context.users.uploader_from + ": name the uploader's user with --uploader to try what it may do");
        return;
    }
    const server::ServerUser user = *context.users.uploader;
    server::become(user);
    try_configuration(context, user, findings);
    const SpoolPaths spool(context.settings.spool);
    if (::access(spool.ready().c_str(), F_OK) == 0 || errno == EACCES) try_spool(spool, user, findings);
    look_at_legacy(context, user, findings);
}

}  // namespace walferry::check
