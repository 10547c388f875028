#pragma once
#include <cstdint>
#include <string>

#include "common/bytes.hpp"
#include "common/os/fd.hpp"
#include "common/os/os.hpp"

namespace walferry {

enum class PublishResult { published, name_taken };

/// A new file that appears in a directory under its name whole, or not at all; nothing is ever replaced.
/// It is durable once publish() has returned `published`; a publish() that throws may have linked the name
/// without having synced the directory. The destructor only undoes.
///
///   DurableFile file(directory, tmp, "000000010000000000000001", 0640);
///   if (!file.clone_from(source)) file.write(bytes) …;
///   file.sync();                                          // data and mode are on stable storage
///   if (file.publish() == PublishResult::name_taken) …;   // compare with what is there
///
/// The file has no name until then (O_TMPFILE). Where the filesystem has no such files, or they could not be
/// linked (no /proc and an old kernel), a dot-name in `tmp` is used, locked (flock) while in use, so that a
/// left-over one can be told from one that is being written: see remove_stale_tmp().
class DurableFile {
  public:
    /// Both directories must outlive the file and be on one filesystem; they may be the same one.
    DurableFile(const Directory& directory, const Directory& tmp, std::string name, mode_t mode);
    /// Takes over a synced file that another process has made with release(). Where it cannot be linked any
    /// more, its bytes are copied when it gets its name.
    DurableFile(const Directory& directory, const Directory& tmp, std::string name, mode_t mode, Fd synced);
    ~DurableFile();
    DurableFile(const DurableFile&) = delete;
    DurableFile& operator=(const DurableFile&) = delete;

    /// Asks for the room beforehand, so that a full disk is found out before the copy (throws no_space).
    /// Does nothing where the filesystem cannot.
    void reserve(std::uint64_t size);

    /// Makes the file share the source's blocks. False where the filesystems cannot; nothing has happened
    /// then.
    bool clone_from(int source);

    /// Appends, and starts write-back of what was written without waiting for it.
    void write(Bytes bytes);

    /// Mode, then fsync. Nothing may be written afterwards.
    void sync();

    /// Links the synced file under its name and syncs the directory. name_taken: there is such a name
    /// already; this file is then of no further use.
    PublishResult publish();
    /// The same under another name of the same directory, after the first one was taken.
    PublishResult publish_as(std::string name);

    /// Gives the synced file its name instead, and takes the name from whatever has it. The directory is not
    /// synced: for a file that can be made again.
    void replace();

    /// The synced file without any name, to be handed to another process; it vanishes with its last
    /// descriptor. This object is then of no further use.
    Fd release();

    int fd() const noexcept { return fd_.get(); }
    std::uint64_t written() const noexcept { return written_; }

  private:
    enum class Link { empty_path, proc, named };

    void open_unnamed();
    void find_way_to_link() noexcept;
    void open_named();
    bool try_open_named();
    void copy_to_named();
    int link_to(const char* target) const noexcept;
    int rename_to_name() noexcept;
    void check_linked() const;
    void remove_tmp_name() noexcept;
    std::string shown() const { return directory_.child(name_); }

    const Directory& directory_;
    const Directory& tmp_;
    std::string name_;
    const mode_t mode_;
    Fd fd_;
    Link link_ = Link::named;
    std::string tmp_name_;  // only while a dot-name exists
    std::uint64_t written_ = 0;
    std::uint64_t started_ = 0;  // write-back was started up to here
    bool synced_ = false;
};

/// Opens a directory's child directory, making it with this mode when it is missing. On return its entry in
/// the parent is durable, also when whoever made it died before syncing it.
Directory open_or_make_directory(const Directory& parent, const std::string& name, mode_t mode);

/// Removes what a killed DurableFile left in a tmp directory; files in use, and files of another kind, are
/// let be. Never throws: what cannot be removed now will be another time. Returns how many were removed.
int remove_stale_tmp(const Directory& tmp) noexcept;

}  // namespace walferry
