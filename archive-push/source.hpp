#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/fd.hpp"
#include "common/wal_name.hpp"

namespace walferry::push {

/// The file to archive, opened and known to be a regular one with a WAL file's name.
class Source {
  public:
    /// Throws usage for a name that is none, io for anything that is not a regular file.
    explicit Source(const std::string& path);

    const WalName& name() const noexcept { return name_; }
    const std::string& path() const noexcept { return path_; }
    int fd() const noexcept { return fd_.get(); }
    std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(opened_.st_size); }

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

/// The cluster that the source belongs to: what the control file says, else the option. Throws refused when
/// both are there and differ, usage when there is neither.
std::uint64_t system_identifier_of(const Source& source, std::optional<std::uint64_t> option);

}  // namespace walferry::push
