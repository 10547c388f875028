#pragma once
#include <string>

#include "common/os/os.hpp"

namespace walferry {

/// Where a restored file is to appear: a name in a directory that is there.
struct RestorePlace {
    Directory directory;
    std::string name;

    /// Throws io when there is no such directory, usage for a name that is none.
    explicit RestorePlace(const std::string& path);

    /// Readable by the group where the directory is, as PostgreSQL's own files are.
    mode_t mode() const;
};

}  // namespace walferry
