#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/os/fd.hpp"
#include "common/wal/wal_header.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {

/// A file to take into a spool, opened and known to be a regular one with a WAL file's name.
class SegmentSource {
  public:
    /// `name` is the last part of `path`. Throws io for anything that is not a regular file;
    /// `hint_if_missing` is for whoever reads that there is none.
    SegmentSource(std::string path, WalName name, const std::string& hint_if_missing = {});

    const WalName& name() const noexcept { return name_; }
    const std::string& path() const noexcept { return path_; }
    int fd() const noexcept { return fd_.get(); }
    std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(opened_.st_size); }
    const struct stat& opened() const noexcept { return opened_; }

    /// nullopt for a kind of file that has none. Throws refused when the file is too short for its header.
    std::optional<WalHeader> header() const;

    /// Throws refused when the file contradicts its name or belongs to another cluster. Returns a warning for
    /// a page magic that no known PostgreSQL writes.
    std::optional<std::string> check_header(std::uint64_t system_identifier) const;

    /// Throws io when the file is not the one any more that was opened: somebody still writes to it.
    void check_unchanged() const;

  private:
    std::string path_;
    WalName name_;
    Fd fd_;
    struct stat opened_ {};
};

}  // namespace walferry
