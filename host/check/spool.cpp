#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/spool/spool_scan.hpp"
#include "common/spool_paths.hpp"
#include "console/catalogue.hpp"
#include "host/check/clusters.hpp"
#include "host/check/look.hpp"
#include "host/spool_setup.hpp"

namespace walferry::check {
namespace {

std::string octal(mode_t mode) {
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%04o", static_cast<unsigned>(mode & 07777));
    return digits.data();
}

/// Looks at owners and modes of everything a spool is made of.
class Modes {
  public:
    Modes(const struct stat& root, const server::ServerUser* server) : group_(root.st_gid), server_(server) {}

    /// `kind`: S_IFDIR or S_IFREG.
    void look(const std::string& path, mode_t kind, mode_t wanted, bool servers_own) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) {
            if (errno != ENOENT) wrong(path + " cannot be looked at: " + std::strerror(errno));
            return;
        }
        if (S_ISDIR(status.st_mode) != S_ISDIR(kind) || S_ISREG(status.st_mode) != S_ISREG(kind))
            return wrong(path + " is no " + (S_ISDIR(kind) ? "directory" : "regular file") +
                         ": find out who put it there, and remove it");
        const mode_t mode = status.st_mode & 07777;
        if ((mode & 0002) != 0) {
            open_ += std::string(open_.empty() ? "" : ", ") + path + " (mode " + octal(mode) + ")";
        } else if (mode != wanted) {
            wrong(path + " has mode " + octal(mode) + ", not " + octal(wanted));
        }
        if (status.st_gid != group_) wrong(path + " belongs to group " + std::to_string(status.st_gid));
        if (servers_own && server_ != nullptr && status.st_uid != server_->uid)
            wrong(path + " belongs to user " + std::to_string(status.st_uid) + ", not " + server_->name);
    }

    void report(const std::string& root, console::Findings& findings) const {
        if (!open_.empty())
            findings.fail(console::finding_id::world_writable,
                          "every user of this host can write to " + open_);
        if (!wrong_.empty()) findings.fail(console::finding_id::spool_modes, wrong_);
        if (open_.empty() && wrong_.empty()) {
            const passwd* user = server_ == nullptr ? nullptr : ::getpwuid(server_->uid);
            const group* group = ::getgrgid(group_);
            findings.pass(console::finding_id::spool_modes,
                          root + " and what is in it has its owner, group and modes (" +
                              (user == nullptr ? "?" : std::string(user->pw_name)) + ":" +
                              (group == nullptr ? std::to_string(group_) : group->gr_name) + ")");
        }
    }

  private:
    void wrong(const std::string& text) {
        if (++count_ <= 4) wrong_ += (wrong_.empty() ? "" : "; ") + text;
        if (count_ == 5) wrong_ += "; and more";
    }

    gid_t group_;
    const server::ServerUser* server_;
    std::string open_, wrong_;
    int count_ = 0;
};

void look_at_modes(const CheckContext& context, const SpoolPaths& spool, const struct stat& root,
                   console::Findings& findings) {
    Modes modes(root, context.users.server ? &*context.users.server : nullptr);
    modes.look(spool.root, S_IFDIR, spool_mode::root, true);
    for (const std::string& path : {spool.ready(), spool.tmp(), spool.ledger_directory()})
        modes.look(path, S_IFDIR, spool_mode::shared_directory, true);
    for (const char* suffix : {"", "-wal", "-shm"})
        modes.look(spool.ledger() + suffix, S_IFREG, spool_mode::ledger, false);
    const Directory ready = os::open_directory(spool.ready());
    for (const std::string& name : entries_of(ready)) {
        struct stat status {};
        if (::lstat(ready.child(name).c_str(), &status) == 0 && S_ISDIR(status.st_mode))
            modes.look(ready.child(name), S_IFDIR, spool_mode::shared_directory, false);
    }
    modes.report(spool.root, findings);
}

void look_at_filesystem(const CheckContext& context, const SpoolPaths& spool, console::Findings& findings) {
    try {
        host::refuse_network_filesystem(spool.root);
        findings.pass(console::finding_id::spool_filesystem, "the spool is on a local filesystem");
    } catch (const Error& error) {
        findings.fail(console::finding_id::spool_filesystem, error.message(), error.hint());
    }
    struct statvfs disk {};
    if (::statvfs(spool.root.c_str(), &disk) != 0)
        throw_errno(errno, "look at the filesystem of " + spool.root);
    const std::uint64_t segment = context.server ? context.server->segment_size : std::uint64_t{16} << 20;
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const std::string room = format_bytes(free) + " free for the spool: room for " +
                             counted(free / segment, "segment", "segments");
    const bool few_files = disk.f_files > 0 && disk.f_favail < 256;
    if (free / segment < 8 || (few_files && disk.f_favail < 16)) {
        findings.fail(
            console::finding_id::spool_space,
            few_files ? "the spool's filesystem has only " + std::to_string(disk.f_favail) + " inodes free"
                      : room);
    } else if (free / segment < 64 || few_files) {
        findings.warn(
            console::finding_id::spool_space,
            few_files ? "the spool's filesystem has only " + std::to_string(disk.f_favail) + " inodes free"
                      : room);
    } else {
        findings.pass(console::finding_id::spool_space, room);
    }
}

void look_at_clusters(const CheckContext& context, const SpoolScan& scan, console::Findings& findings) {
    if (!context.server || !context.server->system_identifier || scan.files.empty()) return;
    const std::uint64_t ours = *context.server->system_identifier;
    std::optional<std::uint64_t> other;
    for (const SpoolFile& file : scan.files) {
        if (file.system_identifier == ours) return;
        other = file.system_identifier;
    }
    report_other_cluster(context, *other, "the spool holds segments", findings);
}

}  // namespace

void look_at_spool(const CheckContext& context, console::Findings& findings, Facts&) {
    const SpoolPaths spool(context.settings.spool);
    struct stat root {};
    struct stat ready {};
    const bool exists = ::stat(spool.root.c_str(), &root) == 0;
    if (exists) look_at_filesystem(context, spool, findings);
    if (!exists || ::stat(spool.ready().c_str(), &ready) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            throw_errno(errno, "look at the spool " + spool.root, "sudo walferry check");
        findings.fail(console::finding_id::spool, "there is no spool at " + spool.root);
        return;
    }
    findings.pass(console::finding_id::spool, "the spool is " + spool.root);
    const SpoolScan scan = scan_spool(spool);
    look_at_clusters(context, scan, findings);
    for (const std::string& problem : scan.problems)
        findings.warn(console::finding_id::spool_strangers, problem);
    look_at_modes(context, spool, root, findings);
}

}  // namespace walferry::check
