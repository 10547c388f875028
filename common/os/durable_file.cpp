#include "common/os/durable_file.hpp"

#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace walferry {
namespace {

// Write-back is started in steps of this size: smaller ones cost calls, from 2 MiB on fsync gets a slow tail.
constexpr std::uint64_t write_back_step = std::uint64_t{512} * 1024;

std::string dot_name(const std::string& name) {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        number = static_cast<std::uint64_t>(now.tv_nsec) * 0x9e3779b97f4a7c15U;
    }
    std::array<char, 48> suffix{};
    std::snprintf(suffix.data(), suffix.size(), ".%ld.%016llx", static_cast<long>(::getpid()),
                  static_cast<unsigned long long>(number));
    return "." + name + suffix.data();
}

/// Errors that a link without a name, or a hard link at all, may fail with although another way works.
bool means_other_way(int err) {
    return err != ENOSPC && err != EDQUOT && err != EIO && err != EROFS && err != ENOMEM;
}

}  // namespace

DurableFile::DurableFile(const Directory& directory, const Directory& tmp, std::string name, mode_t mode)
    : directory_(directory), tmp_(tmp), name_(std::move(name)), mode_(mode) {
    open_unnamed();
    if (link_ == Link::named) open_named();
}

DurableFile::DurableFile(const Directory& directory, const Directory& tmp, std::string name, mode_t mode,
                         Fd synced)
    : directory_(directory),
      tmp_(tmp),
      name_(std::move(name)),
      mode_(mode),
      fd_(std::move(synced)),
      synced_(true) {
    find_way_to_link();
    if (link_ == Link::named) copy_to_named();
}

DurableFile::~DurableFile() {
    remove_tmp_name();
}

/// Leaves link_ at `named` when there are no unnamed files here or none that could be linked later.
void DurableFile::open_unnamed() {
    fd_ = Fd(::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode_));
    if (fd_) find_way_to_link();
}

/// Linking to "." tells beforehand: the kernel looks for the file first, then says EEXIST.
void DurableFile::find_way_to_link() noexcept {
    for (const Link way : {Link::empty_path, Link::proc}) {
        link_ = way;
        if (link_to(".") == EEXIST) return;
    }
    link_ = Link::named;
}

void DurableFile::open_named() {
    link_ = Link::named;
    if (!tmp_.fd) {
        throw Error(ErrorKind::io, "cannot create a temporary file: there is no directory " + tmp_.path,
                    "`walferry init` makes it");
    }
    // A cleaner can get hold of the new file between its creation and its lock; then another name is tried.
    for (int attempt = 0; attempt < 16; ++attempt) {
        if (try_open_named()) return;
    }
    throw Error(ErrorKind::io,
                "cannot keep a temporary file in " + tmp_.path + ": another process removes them");
}

bool DurableFile::try_open_named() {
    tmp_name_ = dot_name(name_);
    fd_ = os::open_at(tmp_.get(), tmp_name_, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, mode_,
                      tmp_.child(tmp_name_));
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0 && os::status(fd_.get(), shown()).st_nlink == 1)
        return true;
    remove_tmp_name();
    return false;
}

void DurableFile::reserve(std::uint64_t size) {
    if (size == 0) return;
    int failed = 0;
    do {
        failed = ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)) == 0 ? 0 : errno;
    } while (failed == EINTR);
    if (failed == ENOSPC || failed == EDQUOT || failed == EFBIG)
        throw_errno(failed, "make room for " + shown());
}

bool DurableFile::clone_from(int source) {
    // Whatever the reason for a refusal, a copy meets it again if it is a real one.
    return ::ioctl(fd_.get(), FICLONE, source) == 0;
}

void DurableFile::write(Bytes bytes) {
    os::write_at(fd_.get(), bytes, written_, shown());
    written_ += bytes.size();
    if (written_ - started_ < write_back_step) return;
    // Only a head start: an error that matters comes back from fsync.
    (void)::sync_file_range(fd_.get(), static_cast<off_t>(started_), static_cast<off_t>(written_ - started_),
                            SYNC_FILE_RANGE_WRITE);
    started_ = written_;
}

void DurableFile::sync() {
    os::set_mode(fd_.get(), mode_, shown());
    os::sync(fd_.get(), shown());
    synced_ = true;
}

PublishResult DurableFile::publish() {
    if (!synced_) throw Error(ErrorKind::internal, "publish() before sync() of " + shown());
    int failed = link_to(name_.c_str());
    if (failed != 0 && failed != EEXIST && link_ != Link::named && means_other_way(failed)) {
        copy_to_named();
        failed = link_to(name_.c_str());
    }
    if (failed != 0 && failed != EEXIST && means_other_way(failed)) failed = rename_to_name();
    if (failed == EEXIST) return PublishResult::name_taken;
    if (failed != 0) throw_errno(failed, "link " + shown());
    if (link_ == Link::named) check_linked();
    // First, so that a drain does not meet a file with two links for as long as the sync takes.
    remove_tmp_name();
    os::sync(directory_);
    return PublishResult::published;
}

PublishResult DurableFile::publish_as(std::string name) {
    name_ = std::move(name);
    return publish();
}

void DurableFile::replace() {
    if (!synced_) throw Error(ErrorKind::internal, "replace() before sync() of " + shown());
    if (link_ != Link::named) {
        // Nothing has the name as a rule, and then there is no moment in which a second one exists.
        if (link_to(name_.c_str()) == 0) return;
        const std::string linked = dot_name(name_);
        const int failed = link_to(linked.c_str());
        if (failed == 0) {
            tmp_name_ = linked;
        } else if (means_other_way(failed)) {
            copy_to_named();
        } else {
            throw_errno(failed, "link " + shown());
        }
    }
    const Directory& from = link_ == Link::named ? tmp_ : directory_;
    if (::renameat(from.get(), tmp_name_.c_str(), directory_.get(), name_.c_str()) != 0) {
        const int failed = errno;
        (void)::unlinkat(from.get(), std::exchange(tmp_name_, {}).c_str(), 0);
        throw_errno(failed, "rename a temporary file to " + shown());
    }
    tmp_name_.clear();
}

Fd DurableFile::release() {
    if (!synced_) throw Error(ErrorKind::internal, "release() before sync() of " + shown());
    remove_tmp_name();
    return std::move(fd_);
}

/// Returns an errno, 0 for success.
int DurableFile::link_to(const char* target) const noexcept {
    int failed = 0;
    if (link_ == Link::empty_path) {
        failed = ::linkat(fd_.get(), "", directory_.get(), target, AT_EMPTY_PATH);
    } else if (link_ == Link::proc) {
        std::array<char, 40> path{};
        std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd_.get());
        failed = ::linkat(AT_FDCWD, path.data(), directory_.get(), target, AT_SYMLINK_FOLLOW);
    } else {
        failed = ::linkat(tmp_.get(), tmp_name_.c_str(), directory_.get(), target, 0);
    }
    return failed == 0 ? 0 : errno;
}

/// For filesystems without hard links.
int DurableFile::rename_to_name() noexcept {
    if (::renameat2(tmp_.get(), tmp_name_.c_str(), directory_.get(), name_.c_str(), RENAME_NOREPLACE) != 0) {
        return errno;
    }
    tmp_name_.clear();
    return 0;
}

/// Others may write to the tmp directory, and a name can be swapped; the open file cannot.
void DurableFile::check_linked() const {
    const struct stat ours = os::status(fd_.get(), shown());
    struct stat linked {};
    if (::fstatat(directory_.get(), name_.c_str(), &linked, AT_SYMLINK_NOFOLLOW) != 0) {
        throw_errno(errno, "find " + shown() + " after linking it");
    }
    if (linked.st_ino != ours.st_ino || linked.st_dev != ours.st_dev) {
        throw Error(ErrorKind::io,
                    shown() + " is not the file that was written: its temporary name was replaced",
                    "find out who else writes to " + tmp_.path);
    }
}

/// The unnamed file is there in full and yet cannot be linked: write it out once more.
void DurableFile::copy_to_named() {
    const Fd unnamed = std::move(fd_);
    open_named();
    const std::uint64_t size = static_cast<std::uint64_t>(os::status(unnamed.get(), shown()).st_size);
    if (!clone_from(unnamed.get())) {
        written_ = started_ = 0;
        std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(size, write_back_step)));
        while (written_ < size) {
            const std::size_t got = os::read_at(unnamed.get(), buffer, written_, shown());
            if (got == 0) throw_errno(EIO, "read " + shown() + " back");
            write(Bytes(buffer).first(got));
        }
    }
    sync();
}

void DurableFile::remove_tmp_name() noexcept {
    if (tmp_name_.empty()) return;
    (void)::unlinkat(tmp_.get(), tmp_name_.c_str(), 0);
    tmp_name_.clear();
}

}  // namespace walferry
