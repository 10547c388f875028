#pragma once
#include <string>

#include "common/bytes.hpp"
#include "common/os/os.hpp"

namespace walferry::restore {

/// Makes files and directories below one directory, and never anywhere else: no link is followed on the way,
/// nothing that exists is opened. Directories that are missing on the way are made.
class TreeWriter {
  public:
    explicit TreeWriter(const Directory& root) : root_(root) {}

    /// One that is there already is fine.
    void make_directory(const std::string& path, unsigned mode);
    /// A new file; throws integrity where the name is taken.
    Fd create_file(const std::string& path, unsigned mode);
    void write_file(const std::string& path, unsigned mode, Bytes content);
    void make_link(const std::string& path, const std::string& target);

    std::string shown(const std::string& path) const { return root_.child(path); }

  private:
    int parent_of(const std::string& path);

    const Directory& root_;
    std::string parent_path_;  // of the one that is open
    Fd parent_;
};

/// Brings everything below a directory to stable storage, the directory included. `early` was opened on it
/// before anything was written, so that no failed write-back escapes it.
void sync_tree(const Directory& early);

}  // namespace walferry::restore
